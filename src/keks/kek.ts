import type { Protection } from '#kms/kek-provider.ts'

/** NIST SP 800-57 key states, as far as a KEK that we do not hold can be in them. */
export const kekStates = [
  'pre-activation',
  'active',
  'suspended',
  'deactivated',
  'compromised',
  'destroyed',
] as const
export type KekState = (typeof kekStates)[number]

/** Whether a KEK in this state is out of use for good. */
export function isOutOfUse(state: KekState): boolean {
  return state !== 'pre-activation' && state !== 'active' && state !== 'suspended'
}

/**
 * How often the customer's KMS is asked:
 * - `strict`: one call for each proxied request;
 * - `shared`: requests that arrive while a call is under way share its answer;
 * - `cached`: an answer serves for at most `cacheCeilingMs` from the unwrap (never sliding) and `cacheUsesMax` uses.
 */
export const unwrapModes = ['strict', 'shared', 'cached'] as const
export type UnwrapMode = (typeof unwrapModes)[number]

/** What becomes of streams under way when the KEK goes: cut at once, or allowed to end. */
export const streamRules = ['cut', 'drain'] as const
export type StreamRule = (typeof streamRules)[number]

export const protections = ['software', 'hsm', 'external', 'file'] as const satisfies readonly Protection[]

/** Where a key is kept, in words. */
export function placeOf(protection: Protection): string {
  return { software: 'software', hsm: 'an HSM', external: 'an external key manager', file: 'a file' }[
    protection
  ]
}

/** What an organisation demands of where its KEK is kept: an HSM that its cloud vouches for (FIPS 140), or nothing. */
export const protectionRules = ['any', 'hsm'] as const
export type ProtectionRule = (typeof protectionRules)[number]

/** How a KEK is reached; the secrets of the way (role sessions) are never stored. */
export type KekAccess =
  | Readonly<{ provider: 'aws'; keyArn: string; roleArn: string | null; externalId: string }>
  | Readonly<{
      provider: 'gcp'
      keyName: string
      /** The customer's provider that lets Hasp in; null where the key is granted to Hasp's own service account. */
      identityProvider: string | null
      /** Made by Hasp: what this provider, and no other customer's, takes Hasp's tokens for. */
      audience: string
    }>
  | Readonly<{ provider: 'azure'; keyId: string; tenantId: string }>
  | Readonly<{ provider: 'local'; fileId: string }>
export type KekProviderKind = KekAccess['provider']

/** A customer's KEK as we know it: a reference and the rules of its use. The key itself never leaves its KMS. */
export type Kek = Readonly<{
  id: string
  orgId: string
  name: string
  /** Pinned name in its KMS: full key ARN, versioned key id, or `local:<file id>`. */
  kekRef: string
  access: KekAccess
  unwrapMode: UnwrapMode
  cacheCeilingMs: number
  cacheUsesMax: number
  streamRule: StreamRule
  /** How often an active KEK is proven by unwrapping its canary; 0 turns the probe off. */
  probeIntervalMs: number
  protectionRule: ProtectionRule
  /** As the KMS said when it was verified, and cannot change; null until then. */
  protection: Protection | null
  /** Cryptoperiod: how old a wrap under this KEK may get, in days; null for no limit. */
  wrapAgeDaysMax: number | null
  /** Cryptoperiod: how old a DEK under this KEK may get, in days; null for no limit. */
  dekAgeDaysMax: number | null
  /** How old the credential in use of a target under this KEK may get, in days; null for no limit. */
  credentialAgeDaysMax: number | null
  /** Cryptoperiod: how many DEKs this KEK may wrap; null for no limit. */
  wrapsMax: number | null
  state: KekState
  /** Code of the fault that caused the last change of state, where a fault did. */
  stateReason: string | null
  stateChangedAt: Date
  /** Envelope that the probe unwraps; null until the KEK is verified. */
  canary: Buffer | null
  createdAt: Date
}>

export const cacheCeilingMsMax = 300_000
