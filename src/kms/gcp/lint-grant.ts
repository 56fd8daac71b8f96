import { randomUUID } from 'node:crypto'
import { KekFault } from '#kms/kek-fault.ts'
import type {
  GrantFinding,
  GrantLint,
  GrantLinter,
  GrantProbe,
  OwnershipProof,
} from '#kms/kek-grant-linter.ts'
import type { GcpClients } from './gcp-clients.ts'
import type { GcpKek } from './gcp-kek-provider.ts'
import { GcpLintCalls, type LintAnswer } from './lint-calls.ts'
import {
  AUDIENCE_NOT_PINNED,
  LEAST,
  NO_FEDERATION,
  OPEN_BESIDE_POOL,
  OPEN_TO_ALL,
  type Place,
  PLACES,
  UNTRIED,
  USES,
} from './lint-permissions.ts'
import { LABEL_PERMISSION, OWNER_LABEL } from './owner-label.ts'

/**
 * Lints the grant of one Google KEK: asks IAM itself (`testIamPermissions`) what Hasp may do with the key, its ring
 * and its project. Nothing is tried; IAM's answer is what a try would come to.
 */
export class GcpGrantLinter implements GrantLinter {
  readonly least = LEAST
  readonly untried = UNTRIED
  readonly #kek: GcpKek
  readonly #clients: GcpClients
  readonly #calls: GcpLintCalls

  /** @throws {KekFault} `misconfigured` for a name that is not exactly one key's. */
  constructor(kek: GcpKek, clients: GcpClients) {
    this.#kek = kek
    this.#clients = clients
    this.#calls = new GcpLintCalls(kek, clients)
  }

  async lint(): Promise<GrantLint> {
    await this.#calls.requireToken()
    const { location, keyRing, name, project } = this.#calls.keyName
    const ringName = `projects/${project}/locations/${location}/keyRings/${keyRing}`
    const parts = await Promise.all([
      this.#probePlace(PLACES.key, (wanted) => this.#calls.testPermissions(name, wanted)),
      this.#probePlace(PLACES['key ring'], (wanted) => this.#calls.testPermissions(ringName, wanted)),
      this.#probePlace(PLACES.project, (wanted) => this.#calls.testProjectPermissions(wanted)),
      this.#probePolicy(),
      this.#probeAudience(),
      this.#probeBesidePool(),
    ])
    const probes = parts.flatMap((part) => part.probes)
    if (probes.every(({ outcome }) => outcome === 'unclear')) {
      throw new KekFault('unreachable', 'lint-unanswered', 'Google answered none of the checks of the grant.')
    }
    return { probes, findings: parts.flatMap((part) => part.findings) }
  }

  /**
   * Through a pool: its provider accepts the audience that Hasp made for this KEK, which only an owner of the pool
   * can allow, and the key's owner let that pool in. Granted directly: the nonce stands in a label of the key.
   */
  async proveOwnership(nonce: string): Promise<OwnershipProof> {
    await this.#calls.requireToken()
    if (this.#kek.federation !== null) {
      return {
        proof: 'A workload identity pool lets Hasp in by the audience that Hasp made for this KEK.',
        kmsRequestId: null,
      }
    }
    const answer = await this.#calls.readKey()
    if ('reply' in answer && labelOf(answer.reply) === nonce) {
      return {
        proof: `The label ${OWNER_LABEL} of the key holds the word that Hasp made for this KEK.`,
        kmsRequestId: answer.kmsRequestId,
      }
    }
    if ('refusal' in answer && answer.refusal !== 'PERMISSION_DENIED') {
      throw new KekFault('unreachable', answer.refusal, 'Google did not tell the labels of the key.', answer)
    }
    throw new KekFault(
      'misconfigured',
      'ownership-not-proven',
      `Put the label ${OWNER_LABEL}=${nonce} on the key, and let Hasp read it (${LABEL_PERMISSION} on this key): only its owner can. Or register the key with a workload identity pool of yours, which needs neither.`,
      { kmsRequestId: answer.kmsRequestId },
    )
  }

  async #probePlace(
    { name, surplus }: Place,
    ask: (permissions: readonly string[]) => Promise<LintAnswer>,
  ): Promise<GrantLint> {
    const wanted = surplus.flatMap(({ permissions }) => permissions)
    const answer = await ask(wanted)
    const granted = 'reply' in answer ? textsIn(answer.reply['permissions']) : []
    const isLabelRead = this.#kek.federation === null
    const found = new Set(granted.filter((permission) => !(isLabelRead && permission === LABEL_PERMISSION)))
    const probes = wanted
      .filter((permission) => !(isLabelRead && permission === LABEL_PERMISSION))
      .map((permission): GrantProbe => ({
        action: `${permission} on the ${name}`,
        outcome: outcomeOf(answer, found.has(permission)),
        answer: 'reply' in answer ? 'OK' : answer.refusal,
        kmsRequestId: answer.kmsRequestId,
      }))
    const findings = surplus
      .filter(({ permissions }) => permissions.some((permission) => found.has(permission)))
      .map(({ code, severity, allows, fix }): GrantFinding => ({ code, severity, allows, fix }))
    return { probes, findings }
  }

  /** Whoever may read the policy may as well be told that it is open to everybody. */
  async #probePolicy(): Promise<GrantLint> {
    const answer = await this.#calls.readPolicy()
    const isOpen = 'reply' in answer && membersIn(answer.reply).some((member) => EVERYBODY.has(member))
    return {
      probes: [
        {
          action: 'GetIamPolicy of the key',
          outcome: outcomeOf(answer, true),
          answer: 'reply' in answer ? 'OK' : answer.refusal,
          kmsRequestId: answer.kmsRequestId,
        },
      ],
      findings: isOpen ? [OPEN_TO_ALL] : [],
    }
  }

  /** Whoever is let in without the pool is, for all that Hasp can see, anybody. */
  async #probeBesidePool(): Promise<GrantLint> {
    if (this.#kek.federation === null) return { probes: [], findings: [] }
    const probe = { action: 'Use of the key without your pool', kmsRequestId: null }
    try {
      const answer = await this.#calls.testOwnPermissions(USES)
      const isGranted = 'reply' in answer && textsIn(answer.reply['permissions']).length > 0
      const { kmsRequestId } = answer
      const outcome = outcomeOf(answer, isGranted)
      return {
        probes: [{ ...probe, outcome, answer: 'reply' in answer ? 'OK' : answer.refusal, kmsRequestId }],
        findings: isGranted ? [OPEN_BESIDE_POOL] : [],
      }
    } catch (error) {
      if (!(error instanceof KekFault)) throw error
      return { probes: [{ ...probe, outcome: 'unclear', answer: error.code }], findings: [] }
    }
  }

  /** Google's counterpart of AssumeRole without the ExternalId. */
  async #probeAudience(): Promise<GrantLint> {
    const { federation } = this.#kek
    if (federation === null) return { probes: [], findings: [NO_FEDERATION] }
    const other = this.#clients.federatedToken({ ...federation, audience: `hasp-${randomUUID()}` })
    const probe = { action: 'Token exchange for another audience', kmsRequestId: null }
    try {
      await other.current()
      return { probes: [{ ...probe, outcome: 'allowed', answer: 'OK' }], findings: [AUDIENCE_NOT_PINNED] }
    } catch (error) {
      if (!(error instanceof KekFault)) throw error
      const outcome = error.isTransient || error.kind === 'ours' ? 'unclear' : 'refused'
      return { probes: [{ ...probe, outcome, answer: error.code }], findings: [] }
    }
  }
}

const EVERYBODY: ReadonlySet<string> = new Set(['allUsers', 'allAuthenticatedUsers'])

/** A place that Hasp may not even ask about is a place where it may do nothing. */
function outcomeOf(answer: LintAnswer, isGranted: boolean): GrantProbe['outcome'] {
  if ('reply' in answer) return isGranted ? 'allowed' : 'refused'
  return answer.refusal === 'PERMISSION_DENIED' ? 'refused' : 'unclear'
}

function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}

function membersIn(policy: Readonly<Record<string, unknown>>): string[] {
  const bindings: unknown[] = Array.isArray(policy['bindings']) ? policy['bindings'] : []
  return bindings.flatMap((binding) =>
    typeof binding === 'object' && binding !== null && 'members' in binding ? textsIn(binding.members) : [],
  )
}

function labelOf(cryptoKey: Readonly<Record<string, unknown>>): unknown {
  const { labels } = cryptoKey
  return typeof labels === 'object' && labels !== null && OWNER_LABEL in labels
    ? labels[OWNER_LABEL]
    : undefined
}
