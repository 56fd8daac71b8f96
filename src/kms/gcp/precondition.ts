import { misconfigured, revoked, throttled, unreachable, type Verdict } from '#kms/verdict.ts'
import type { GcpRefusal, Violation } from './gcp-refusal.ts'

/** Ambiguous: one version was refused, or its manager refused one call; of the key they say less than of the record. */
const refused = (code: string, message: string): Verdict => revoked(message, { code, isAmbiguous: true })

/** States of a CryptoKeyVersion (CryptoKeyVersionState) that serve nothing. */
const STATES: Readonly<Record<string, Verdict>> = {
  DISABLED: refused('KEY_DISABLED', 'The key version is disabled: enable it.'),
  DESTROY_SCHEDULED: refused(
    'KEY_DESTROY_SCHEDULED',
    'The key version is scheduled for destruction: restore and enable it.',
  ),
  DESTROYED: refused(
    'KEY_DESTROYED',
    'The key version was destroyed: what it wrapped stays closed for good.',
  ),
  PENDING_IMPORT: refused('KEY_PENDING_IMPORT', 'The key version has no material: import it.'),
  PENDING_EXTERNAL_DESTRUCTION: refused(
    'KEY_PENDING_EXTERNAL_DESTRUCTION',
    'The key version is being destroyed in the external key manager.',
  ),
  EXTERNAL_DESTRUCTION_FAILED: refused(
    'KEY_EXTERNAL_DESTRUCTION_FAILED',
    'The key version was destroyed, though not in the external key manager.',
  ),
  PENDING_GENERATION: unreachable('The key version is being generated. It will be tried again.', {
    code: 'KEY_PENDING_GENERATION',
  }),
  GENERATION_FAILED: misconfigured('The key version was never generated: make a new one.', {
    code: 'KEY_GENERATION_FAILED',
  }),
  IMPORT_FAILED: misconfigured('The import of the key version failed: import it again.', {
    code: 'KEY_IMPORT_FAILED',
  }),
}

const EKM_OUTAGE = unreachable(
  'The external key manager cannot be reached; nothing was changed. It will be tried again.',
  { code: 'EXTERNAL_UNREACHABLE' },
)

/** What went wrong with the external key manager, by the type of its violation; the first that fits counts. */
const EXTERNAL: readonly (readonly [type: RegExp, text: RegExp, verdict: Verdict])[] = [
  // The same type stands for a key that is gone and for a host that does not answer to its name.
  [/NOT_FOUND/, /could not (?:query|resolve|connect)/i, EKM_OUTAGE],
  [
    /PERMISSION_DENIED|ACCESS_DENIED/,
    /./,
    refused('EXTERNAL_PERMISSION_DENIED', 'The external key manager denied access: grant it there.'),
  ],
  [
    /NOT_FOUND/,
    /./,
    refused(
      'EXTERNAL_NOT_FOUND',
      'The external key manager does not find the key: check that it exists there.',
    ),
  ],
  [
    /DISABLED|DESTROYED|REVOKED/,
    /./,
    refused('EXTERNAL_KEY_DISABLED', 'The external key manager has disabled the key: enable it there.'),
  ],
  [
    /RESOURCE_EXHAUSTED|QUOTA|RATE_LIMIT/,
    /./,
    throttled('The external key manager asks for fewer requests. It will be tried again.', {
      code: 'EXTERNAL_RESOURCE_EXHAUSTED',
    }),
  ],
  [
    /INVALID|UNSUPPORTED|URI|KEY_PATH|PURPOSE|ALGORITHM|PROTECTION|CERTIFICATE|MISMATCH/,
    /./,
    misconfigured(
      'The external key or its key manager is set up wrongly: check its path, purpose and certificate.',
      { code: 'EXTERNAL_MISCONFIGURED' },
    ),
  ],
]

const UNKNOWN = unreachable(
  'Google KMS says that the key cannot serve now, and not why. It will be tried again.',
  { code: 'FAILED_PRECONDITION' },
)

/**
 * Reads `FAILED_PRECONDITION`, which stands for the state of a version, for every failure of an external key
 * manager (Cloud KMS, "Cloud EKM error reference": violations[0] is the state of the key, violations[1] the
 * attempt to reach its manager), and for an API that is switched off. What is in no list is neither: guessing
 * `revoked` would turn an outage into a revocation, and either refuses.
 */
export function verdictOfPrecondition(refusal: GcpRefusal): Verdict {
  const { violations } = refusal
  const state = [refusal.message, ...violations.map(({ description }) => description)]
    .map((text) => stateIn(text))
    .find((found) => found !== undefined)
  if (state !== undefined) return state
  const external = violations.find(({ type }) => type.startsWith('EXTERNAL_'))
  if (external !== undefined) return verdictOfExternal(external, refusal.message)
  return (
    violations.map(({ type }) => stateOfType(type)).find((found) => found !== undefined) ??
    verdictOfText(refusal.message)
  )
}

/** "… is not enabled, current state is: DESTROY_SCHEDULED." A state that serves says nothing against the key. */
function stateIn(text: string): Verdict | undefined {
  const state = /current state is:?\s*([A-Z_]+)/.exec(text)?.[1] ?? ''
  return Object.hasOwn(STATES, state) ? STATES[state] : undefined
}

function stateOfType(type: string): Verdict | undefined {
  const state = type.replace(/^KEY_/, '')
  return type.startsWith('KEY_') && Object.hasOwn(STATES, state) ? STATES[state] : undefined
}

function verdictOfExternal({ type, description }: Violation, message: string): Verdict {
  const text = `${message} ${description}`
  return EXTERNAL.find(([ofType, ofText]) => ofType.test(type) && ofText.test(text))?.[2] ?? EKM_OUTAGE
}

function verdictOfText(text: string): Verdict {
  if (/has not been used in project|api .*is disabled|it is disabled/i.test(text)) return API_DISABLED
  if (/primary version/i.test(text)) {
    return misconfigured('The key has no primary version: create one, or make one primary.', {
      code: 'KEY_WITHOUT_PRIMARY',
    })
  }
  return UNKNOWN
}

export const API_DISABLED = misconfigured(
  'The Cloud KMS API is not enabled in the project: enable cloudkms.googleapis.com.',
  { code: 'SERVICE_DISABLED' },
)
