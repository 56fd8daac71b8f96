import type { Protection } from '#kms/kek-provider.ts'
import { placeOf, type Kek, type ProtectionRule } from './kek.ts'
import { KekError } from './kek-error.ts'

/** Whether a key that is kept so may be used under the rule. */
export function meetsRule(rule: ProtectionRule, protection: Protection | null): boolean {
  return rule === 'any' || protection === 'hsm'
}

/** @throws {KekError} `kek_protection_too_low` where `kek` is not kept as `rule` demands. */
export function requireProtection(rule: ProtectionRule, kek: Pick<Kek, 'name' | 'protection'>): void {
  const { name, protection } = kek
  if (meetsRule(rule, protection)) return
  throw new KekError(
    'kek_protection_too_low',
    `The KEK "${name}" is kept in ${protection === null ? 'a place not known yet' : placeOf(protection)}, and an HSM is demanded: register a key of an HSM and move the targets there, or take the demand back.`,
  )
}
