import { randomUUID } from 'node:crypto'
import { KekFault } from '#kms/kek-fault.ts'
import type {
  GrantLint,
  GrantLinter,
  GrantProbe,
  LintRequest,
  OwnershipProof,
} from '#kms/kek-grant-linter.ts'
import type { AzureClients } from './azure-clients.ts'
import type { AzureKek } from './azure-kek-provider.ts'
import { asObject, parseObject, textOf } from './json.ts'
import { type AzureKeyId, parseAzureKeyId, parseTenantId } from './key-id.ts'
import { leastOf, type LintAttempt, lintAttempts, UNTRIED } from './lint-attempts.ts'
import { OWNER_TAG } from './owner-tag.ts'
import { serviceRequestIdOf } from './read-reply.ts'
import { transportFault } from './transport-faults.ts'

const API_VERSION = '7.4'
const REPLY_BYTES_MAX = 256 * 1024

type Answer = Readonly<{
  status: number
  code: string
  body: Record<string, unknown> | undefined
  id: string
  serviceRequestId: string | undefined
}>

/**
 * Lints the grant of one Azure KEK by canary calls that must answer 403: other uses of the key, the rest of its
 * vault. Azure has no dry run; what could not be asked without changing something (deleting, rotating, importing) is
 * not asked.
 */
export class AzureGrantLinter implements GrantLinter {
  readonly least: string
  readonly untried = UNTRIED
  readonly #keyId: AzureKeyId
  readonly #tenantId: string
  readonly #clients: AzureClients

  /** @throws {KekFault} `misconfigured` for an identifier that is not exactly one version of a key in this cloud. */
  constructor(kek: AzureKek, clients: AzureClients) {
    this.#keyId = parseAzureKeyId(kek.keyId, clients.cloud)
    this.least = leastOf(this.#keyId)
    this.#tenantId = parseTenantId(kek.tenantId)
    this.#clients = clients
  }

  async lint(request: LintRequest): Promise<GrantLint> {
    const tried = await Promise.all(
      lintAttempts(this.#keyId).map(async (attempt) => ({
        attempt,
        probe: await this.#try(attempt, request),
      })),
    )
    if (tried.every(({ probe }) => probe.outcome === 'unclear')) {
      throw new KekFault('unreachable', 'lint-unanswered', 'Azure answered none of the checks of the grant.')
    }
    return {
      probes: tried.map(({ probe }) => probe),
      findings: tried
        .filter(({ probe }) => probe.outcome === 'allowed')
        .map(({ attempt }) => attempt.finding),
    }
  }

  /** The nonce stands in a tag of the key's version, which Hasp may read, and only an owner may write. */
  async proveOwnership(nonce: string, signal?: AbortSignal): Promise<OwnershipProof> {
    const { name, version } = this.#keyId
    const answer = await this.#send('GET', `/keys/${name}/${version}`, undefined, signal)
    if (answer === undefined || answer.status >= 500 || answer.status === 429)
      throw transportFault('connection-failed', answer?.id)
    const isTagged = answer.status === 200 && textOf(asObject(answer.body?.['tags'])?.[OWNER_TAG]) === nonce
    if (isTagged) {
      return {
        proof: `The tag ${OWNER_TAG} of the key holds the word that Hasp made for this KEK.`,
        kmsRequestId: answer.id,
        serviceRequestId: answer.serviceRequestId,
      }
    }
    throw new KekFault(
      'misconfigured',
      'ownership-not-proven',
      `Put the tag ${OWNER_TAG}=${nonce} on this version of the key (az keyvault key set-attributes --tags): only its owner can.`,
      { kmsRequestId: answer.id, serviceRequestId: answer.serviceRequestId },
    )
  }

  async #try(attempt: LintAttempt, { beforeUnwrap, signal }: LintRequest): Promise<GrantProbe> {
    const { action, method, path, body, isUnwrap } = attempt
    const end = isUnwrap === true ? await beforeUnwrap() : undefined
    const answer = await this.#send(method, path, body, signal)
    const code = answer === undefined ? 'connection-failed' : answer.code || `HTTP ${answer.status}`
    const serviceRequestId = answer?.serviceRequestId
    end?.({ code, kmsRequestId: answer?.id, serviceRequestId })
    const probe = { action, outcome: outcomeOf(answer), answer: code, kmsRequestId: answer?.id ?? null }
    return serviceRequestId === undefined ? probe : { ...probe, serviceRequestId }
  }

  /** One call, without another try; undefined where there was no answer. @throws {KekFault} where there is no token. */
  async #send(
    method: LintAttempt['method'],
    path: string,
    body: object | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Answer | undefined> {
    const { token } = await this.#clients.sessionFor(this.#keyId, this.#tenantId).current()
    const id = randomUUID()
    const timeout = AbortSignal.timeout(this.#clients.callTimeoutMs)
    try {
      const reply = await this.#clients.dispatcher.request({
        origin: `https://${this.#keyId.host}`,
        path: `${path}?api-version=${API_VERSION}`,
        method,
        headers: {
          accept: 'application/json',
          authorization: `Bearer ${token}`,
          'user-agent': 'hasp',
          'x-ms-client-request-id': id,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body === undefined ? null : JSON.stringify(body),
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      })
      const text = await reply.body.text()
      const parsed = text.length > REPLY_BYTES_MAX ? undefined : parseObject(text)
      const error = asObject(parsed?.['error'])
      const code = textOf(asObject(error?.['innererror'])?.['code']) || textOf(error?.['code'])
      const serviceRequestId = serviceRequestIdOf(reply.headers)
      return { status: reply.statusCode, code, body: parsed, id, serviceRequestId }
    } catch {
      return undefined
    }
  }
}

/** 403s that do not speak of what the caller may do: a firewall, the key's own state or permitted operations. */
const NOT_ABOUT_RIGHTS = /firewall|network|disabled|expired|notyetvalid|operation(?:not|forbidden)/i

function outcomeOf(answer: Answer | undefined): GrantProbe['outcome'] {
  if (answer === undefined) return 'unclear'
  const { status, code } = answer
  if (status === 403) return NOT_ABOUT_RIGHTS.test(code) ? 'unclear' : 'refused'
  // Found, not found or found unfit: the caller was let through to where that is known.
  return status < 300 || status === 400 || status === 404 || status === 409 ? 'allowed' : 'unclear'
}
