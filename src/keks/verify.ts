import type { Database } from '#db/database.ts'
import { newId } from '#db/ids.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { generateDek } from '#envelope/record-key.ts'
import type { EncryptionContext } from '#envelope/encryption-context.ts'
import { KekFault } from '#kms/kek-fault.ts'
import type { KekProvider } from '#kms/kek-provider.ts'
import { appendEntry } from '#ledger/append.ts'
import type { KekProviders } from './access.ts'
import { canaryContext, journalledUnwrap, openCanary, sealCanary } from './canary.ts'
import { changeKekStateInAnyCase } from './change-state.ts'
import type { Kek } from './kek.ts'
import { KekError } from './kek-error.ts'
import { findKek } from './repository.ts'
import type { UnwrapJournal } from './unwrap-journal.ts'

type Deps = Readonly<{
  db: Database
  ring: SecretRing
  providers: KekProviders
  journal: UnwrapJournal
  now: () => Date
}>

/** One thing that was tried on the customer's KMS, and what came of it. */
type VerificationCheck = Readonly<{
  name: 'describe' | 'wrap-and-unwrap' | 'foreign-context-refused'
  isPassed: boolean
  finding: string
  kmsRequestId: string | null
}>

export type Verification = Readonly<{ kek: Kek; checks: readonly VerificationCheck[]; isPassed: boolean }>

/**
 * Proves the grant on the customer's KMS, then activates the KEK: the KMS knows it and would serve it; what we
 * wrap unwraps; what we wrap does not unwrap under another organisation's context. Every call lands in the
 * customer's own log. May be repeated at any time; on an active or suspended KEK it changes nothing by failing.
 */
export async function verifyKek(
  deps: Deps,
  input: { orgId: string; kekId: string; actor: string },
): Promise<Verification> {
  const kek = await findKek(deps.db.kysely, deps.ring, input.orgId, input.kekId)
  const provider = deps.providers.open(kek)
  const checks: VerificationCheck[] = []
  let canary: Buffer | undefined

  await check(checks, 'describe', async () => {
    const description = await provider.describe()
    if (!description.isEnabled) {
      throw new KekFault(
        'revoked',
        description.cloudState,
        `The KMS says that the key is ${description.cloudState}: enable it.`,
      )
    }
    return {
      finding: `The key is ${description.cloudState}, kept in ${description.protection}.`,
      kmsRequestId: description.kmsRequestId,
    }
  })
  await check(checks, 'wrap-and-unwrap', async () => {
    const sealed = await sealCanary(kek, provider)
    await journalledUnwrap(deps.journal, kek, () => openCanary(kek, sealed.canary, provider))
    canary = sealed.canary
    return {
      finding: 'A DEK wrapped under the key was unwrapped again.',
      kmsRequestId: sealed.wrap.kmsRequestId,
    }
  })
  await check(checks, 'foreign-context-refused', () => refusesForeignContext(deps, kek, provider))

  const isPassed = checks.every((entry) => entry.isPassed)
  await deps.db.transaction((trx) =>
    appendEntry(trx, {
      entryId: newId(),
      orgId: kek.orgId,
      kind: isPassed ? 'kek.verified' : 'kek.verification-failed',
      actor: input.actor,
      occurredAt: deps.now(),
      kekId: kek.id,
      details: { checks: checks.map((entry) => ({ ...entry })) },
    }),
  )
  if (!isPassed) return { kek, checks, isPassed }
  const activated = await changeKekStateInAnyCase(deps, {
    orgId: kek.orgId,
    kekId: kek.id,
    from: ['pre-activation', 'suspended'],
    to: 'active',
    kind: kek.state === 'suspended' ? 'kek.resumed' : 'kek.activated',
    reason: null,
    actor: input.actor,
    ...(kek.canary === null && canary !== undefined ? { canary } : {}),
  })
  if (activated.kek.state !== 'active') {
    throw new KekError(
      'kek_not_active',
      `The grant works, but the KEK is ${activated.kek.state} and stays so.`,
    )
  }
  return { kek: activated.kek, checks, isPassed }
}

async function check(
  checks: VerificationCheck[],
  name: VerificationCheck['name'],
  run: () => Promise<{ finding: string; kmsRequestId: string | null }>,
): Promise<void> {
  if (checks.some((earlier) => !earlier.isPassed)) return
  try {
    checks.push({ name, isPassed: true, ...(await run()) })
  } catch (error) {
    if (!(error instanceof KekFault)) throw error
    checks.push({ name, isPassed: false, finding: error.message, kmsRequestId: error.kmsRequestId ?? null })
  }
}

/** The KMS must refuse to unwrap for another organisation what it wrapped for this one. */
async function refusesForeignContext(deps: Deps, kek: Kek, provider: KekProvider) {
  const context = canaryContext(kek)
  const foreign: EncryptionContext = { ...context, org: newId() }
  using dek = generateDek()
  const { wrappedDek, kmsRequestId } = await provider.wrap(dek, context)
  try {
    const unwrapped = await journalledUnwrap(deps.journal, kek, () => provider.unwrap(wrappedDek, foreign))
    unwrapped.dek[Symbol.dispose]()
  } catch (error) {
    if (error instanceof KekFault && (error.kind === 'tampered' || error.kind === 'revoked')) {
      return {
        finding: 'The KMS refused to unwrap under another organisation’s context.',
        kmsRequestId: error.kmsRequestId ?? null,
      }
    }
    throw error
  }
  throw new KekFault(
    'misconfigured',
    'context-not-bound',
    'The KMS unwrapped under another organisation’s context: it does not bind it.',
    { kmsRequestId },
  )
}
