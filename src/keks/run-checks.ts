import { newId } from '#db/ids.ts'
import type { EncryptionContext } from '#envelope/encryption-context.ts'
import { decodeEnvelope } from '#envelope/format-v1.ts'
import { KekFault } from '#kms/kek-fault.ts'
import type { GrantFinding, GrantLint, GrantLinter, GrantProbe } from '#kms/kek-grant-linter.ts'
import type { KekDescription, KekProvider, Protection } from '#kms/kek-provider.ts'
import { callIdsOf } from '#ledger/call-ids.ts'
import type { KekAccessKind, KekProviders } from './access.ts'
import { canaryContext, canaryIntent, journalledUnwrap, openCanary, sealCanary } from './canary.ts'
import { placeOf, type Kek, type ProtectionRule } from './kek.ts'
import { ownershipNonceOf } from './ownership.ts'
import { meetsRule } from './protection.ts'
import type { UnwrapJournal } from './unwrap-journal.ts'
import type { Verdict, VerificationCheck, VerificationEvidence } from './verification.ts'

export type CheckDeps = Readonly<{
  providers: KekProviders
  accessKinds: ReadonlyMap<string, KekAccessKind>
  journal: UnwrapJournal
}>

/** What a check found, and by which call. */
type Passed = Readonly<{
  finding: string
  kmsRequestId: string | null
  serviceRequestId?: string | undefined
}>

type Outcome = VerificationEvidence &
  Readonly<{
    verdict: Verdict
    /** Sealed on the way; proven to open. */
    canary: Buffer | undefined
    /** Where the KMS keeps the key, if it said so. */
    protection: Protection | undefined
  }>

/**
 * Tries the grant on the customer's KMS, each check a real call in the customer's own log: the KMS knows the key and
 * would serve it; whoever registered it owns it; what we wrap unwraps, in its own context alone; and we may do
 * nothing else. Changes nothing on either side.
 *
 * @param requireFree throws where the key is another KEK's. Asked only of whoever was let in as the key's owner: to
 *   anybody else it would tell which keys are in use here.
 */
export async function runChecks(
  deps: CheckDeps,
  kek: Kek,
  requireFree: () => Promise<void>,
): Promise<Outcome> {
  const provider = deps.providers.open(kek)
  const linter = deps.accessKinds.get(kek.access.provider)?.openLinter?.(kek)
  const checks: VerificationCheck[] = []
  let fault: KekFault | undefined
  let canary: Buffer | undefined
  let protection: Protection | undefined
  let findings: readonly GrantFinding[] = []
  let probes: readonly GrantProbe[] = []

  const check = async (name: VerificationCheck['name'], run: () => Promise<Passed>): Promise<void> => {
    if (fault !== undefined) return
    try {
      const { finding, ...call } = await run()
      checks.push({ name, isPassed: true, finding, ...callIdsOf(call), fault: null })
    } catch (error) {
      if (!(error instanceof KekFault)) throw error
      fault = error
      const { message: finding, kind, code } = error
      checks.push({ name, isPassed: false, finding, ...callIdsOf(error), fault: { kind, code } })
    }
  }

  await check('describe', async () => {
    const description = await provider.describe()
    protection = description.protection
    return isServed(description, kek.protectionRule)
  })
  if (linter !== undefined) await check('ownership', () => isOwned(linter, kek))
  if (fault === undefined) await requireFree()
  await check('wrap-and-unwrap', async () => {
    const sealed = await sealCanary(kek, provider)
    await journalledUnwrap(
      deps.journal,
      kek,
      (unwrapId) => openCanary(kek, sealed.canary, provider, unwrapId),
      actor,
    )
    canary = sealed.canary
    return {
      finding: 'A DEK wrapped under the key was unwrapped again.',
      kmsRequestId: sealed.wrap.kmsRequestId,
      serviceRequestId: sealed.wrap.serviceRequestId,
    }
  })
  await check('wrong-context-refused', () => {
    const different = { fields: { record: newId() }, which: 'another record’s context' }
    return refusesContext(deps, kek, provider, canary, different)
  })
  await check('foreign-context-refused', () => {
    const different = { fields: { org: newId() }, which: 'another organisation’s context' }
    return refusesContext(deps, kek, provider, canary, different)
  })
  if (linter !== undefined) {
    await check('least-privilege', async () => {
      const lint = await lintGrant(deps, kek, linter)
      ;({ findings, probes } = lint)
      const dangerous = findings.find(({ severity }) => severity === 'dangerous')
      if (dangerous !== undefined) throw new KekFault('misconfigured', dangerous.code, dangerous.allows)
      return { finding: summaryOf(lint, linter), kmsRequestId: null }
    })
  }
  return { checks, findings, probes, canary, protection, verdict: verdictOf(fault, findings) }
}

function isServed(description: KekDescription, rule: ProtectionRule): Passed {
  const { isEnabled, cloudState, protection, kmsRequestId, serviceRequestId } = description
  const call = { kmsRequestId, serviceRequestId }
  if (!isEnabled)
    throw new KekFault('revoked', cloudState, `The KMS says that the key is ${cloudState}: enable it.`, call)
  if (!meetsRule(rule, protection)) {
    throw new KekFault(
      'misconfigured',
      'protection-too-low',
      `The key is kept in ${placeOf(protection)}, and this KEK demands an HSM: register a key that an HSM holds (where a key is kept cannot be changed), or take the demand back.`,
      call,
    )
  }
  return { finding: `The key is ${cloudState}, kept in ${placeOf(protection)}.`, ...call }
}

async function isOwned(linter: GrantLinter, kek: Kek): Promise<Passed> {
  const { proof: finding, ...call } = await linter.proveOwnership(ownershipNonceOf(kek))
  return { finding, ...call }
}

/** The KMS must refuse to unwrap the canary's DEK under a context that differs in one field from its own. */
async function refusesContext(
  deps: CheckDeps,
  kek: Kek,
  provider: KekProvider,
  canary: Buffer | undefined,
  different: Readonly<{ fields: Partial<EncryptionContext>; which: string }>,
): Promise<Passed> {
  if (canary === undefined) throw new Error('A canary is sealed before its context is tried.')
  const { wrapped, kekProvider } = decodeEnvelope(canary)
  const context = { ...canaryContext(kek), ...different.fields }
  try {
    const unwrapped = await journalledUnwrap(
      deps.journal,
      kek,
      () => provider.unwrap(wrapped, context),
      actor,
    )
    unwrapped.dek[Symbol.dispose]()
    throw new KekFault(
      'misconfigured',
      contextNotBound,
      `The KMS unwrapped under ${different.which}: it does not bind it.`,
      { kmsRequestId: unwrapped.kmsRequestId, serviceRequestId: unwrapped.serviceRequestId },
    )
  } catch (error) {
    if (!(error instanceof KekFault) || (error.kind !== 'tampered' && error.kind !== 'revoked')) throw error
    return {
      finding:
        kekProvider === 'azure' && error.kind === 'tampered'
          ? `Hasp refused ${different.which}: Azure takes none, so the context is wrapped with the DEK, and your log shows this unwrap as a success.`
          : `The KMS refused to unwrap under ${different.which}.`,
      kmsRequestId: error.kmsRequestId ?? null,
      serviceRequestId: error.serviceRequestId,
    }
  }
}

/** Some unwraps of a verification are to be refused: in the ledger nobody takes them for the probe's. */
const actor = 'verification'

const contextNotBound = 'context-not-bound'

/** Each unwrap that the linter tries has its intent and its refusal in the ledger, like any other. */
async function lintGrant({ journal }: CheckDeps, kek: Kek, linter: GrantLinter) {
  return linter.lint({
    orgId: kek.orgId,
    foreignOrgId: newId(),
    beforeUnwrap: async () => {
      const intent = canaryIntent(kek, actor)
      await journal.intend(intent)
      return (answer) => journal.refused(intent, { kind: 'dry-run', ...answer })
    },
  })
}

/** Says no more than what was found out: what was not answered, or never asked, is named. */
function summaryOf({ findings, probes }: GrantLint, { least, untried }: GrantLinter): string {
  const surplus = findings.filter(({ severity }) => severity !== 'notice').length
  if (surplus === 0) {
    const unclear = probes.filter(({ outcome }) => outcome === 'unclear').length
    return [
      'Hasp may wrap and unwrap with the key, and do nothing else of what was tried.',
      ...(unclear === 0 ? [] : [`Neither allowed nor refused: ${unclear} of ${probes.length} tries.`]),
      untried,
    ].join(' ')
  }
  return `Hasp may do more than wrap and unwrap: ${surplus === 1 ? 'one finding' : `${surplus} findings`}. ${least}`
}

function verdictOf(fault: KekFault | undefined, findings: readonly GrantFinding[]): Verdict {
  const isDangerous = findings.some(({ severity }) => severity === 'dangerous')
  if (isDangerous || fault?.code === contextNotBound) return 'dangerous'
  if (fault?.isTransient === true || fault?.kind === 'ours') return 'unknown'
  if (fault !== undefined) return 'failed'
  return findings.some(({ severity }) => severity === 'warning') ? 'surplus' : 'least'
}
