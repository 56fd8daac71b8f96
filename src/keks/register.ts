import type { Database } from '#db/database.ts'
import type { BeforeCommit } from '#db/before-commit.ts'
import { newId } from '#db/ids.ts'
import type { Judged } from '#integrity/assert-row-mac.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { recordChange } from '#ledger/record-change.ts'
import type { KekAccessKind } from './access.ts'
import type { Kek, ProtectionRule, StreamRule, UnwrapMode } from './kek.ts'
import { KekError } from './kek-error.ts'
import { findKekOfKey, insertKek } from './repository.ts'

export type RegisterKek = Readonly<{
  orgId: string
  actor: string
  name: string
  provider: string
  /** What reaches the KEK, as the customer gave it: `keyArn`, `roleArn`. */
  access: Readonly<Record<string, string | undefined>>
  unwrapMode: UnwrapMode
  cacheCeilingMs: number
  cacheUsesMax: number
  streamRule: StreamRule
  probeIntervalMs: number
  protectionRule: ProtectionRule
  wrapAgeDaysMax: number | null
  dekAgeDaysMax: number | null
  credentialAgeDaysMax: number | null
  wrapsMax: number | null
  beforeCommit?: BeforeCommit<Kek>
}>

type Deps = Readonly<{
  db: Database
  ring: SecretRing
  accessKinds: ReadonlyMap<string, KekAccessKind>
  now: () => Date
}>

/**
 * Notes a KEK down in state pre-activation and makes our half of the grant (the ExternalId). Nothing is asked
 * of the KMS yet: the customer grants first, then `verifyKek` proves it.
 * @throws {KekError} `kek_provider_unavailable`, `kek_name_taken`, `kek_already_registered`; {KekFault} `misconfigured` for a bad reference.
 */
export async function registerKek(deps: Deps, input: RegisterKek): Promise<Kek> {
  const kind = deps.accessKinds.get(input.provider)
  if (kind === undefined) {
    const known = [...deps.accessKinds.keys()].join(', ')
    throw new KekError(
      'kek_provider_unavailable',
      `This deployment has no KMS provider of that name; it has: ${known}.`,
    )
  }
  const { access, kekRef } = await kind.prepare(input.access)
  const now = deps.now()
  const kek: Kek = {
    id: newId(),
    orgId: input.orgId,
    name: input.name,
    kekRef,
    access,
    unwrapMode: input.unwrapMode,
    cacheCeilingMs: input.cacheCeilingMs,
    cacheUsesMax: input.cacheUsesMax,
    streamRule: input.streamRule,
    probeIntervalMs: input.probeIntervalMs,
    protectionRule: input.protectionRule,
    protection: null,
    wrapAgeDaysMax: input.wrapAgeDaysMax,
    dekAgeDaysMax: input.dekAgeDaysMax,
    credentialAgeDaysMax: input.credentialAgeDaysMax,
    wrapsMax: input.wrapsMax,
    state: 'pre-activation',
    stateReason: null,
    stateChangedAt: now,
    canary: null,
    createdAt: now,
  }
  await deps.db.transaction(async (trx) => {
    const same = await findKekOfKey(trx, deps.ring, kek.orgId, { provider: access.provider, kekRef })
    if (same !== undefined) throw alreadyRegistered(same)
    await insertKek(trx, deps.ring, kek)
    await recordChange(trx, {
      orgId: kek.orgId,
      kind: 'kek.registered',
      actor: input.actor,
      occurredAt: now,
      kekId: kek.id,
      details: {
        kekRef,
        name: kek.name,
        provider: input.provider,
        unwrapMode: kek.unwrapMode,
        protectionRule: kek.protectionRule,
        wrapAgeDaysMax: kek.wrapAgeDaysMax,
        dekAgeDaysMax: kek.dekAgeDaysMax,
        credentialAgeDaysMax: kek.credentialAgeDaysMax,
        wrapsMax: kek.wrapsMax,
      },
    })
    await input.beforeCommit?.(trx, kek)
  })
  return kek
}

function alreadyRegistered({ id, record }: Judged<Kek>): KekError {
  return new KekError(
    'kek_already_registered',
    record === null
      ? `Your organisation has this key as the KEK ${id} already, whose record was changed outside of Hasp: retire that one by its id, then register the key anew.`
      : `Your organisation has this key as the KEK "${record.name}" (${record.state}) already: use that one, or retire it first.`,
  )
}
