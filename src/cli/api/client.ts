import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { CliError } from '#cli/cli-error.ts'
import { problemIn } from './api-problem.ts'
import { exchange, NetworkError, timedOut, type HttpReply, type HttpRequest } from './exchange.ts'

export type Query = Readonly<Record<string, string | number | undefined>>

const readTimeoutMs = 30_000
/** A write may ask a KMS and a provider before it answers. */
const writeTimeoutMs = 120_000
const retryDelayMs = 250
const inProgressRetriesMax = 10
const inProgressDelayMs = 1_000
/** The server's certificate is at fault: trying again changes nothing. */
const certificateFault = /CERT|^ERR_TLS|SELF_SIGNED|UNABLE_TO_/

/** The management API of one Hasp, as one of its admins. */
export class ApiClient {
  readonly url: string
  readonly #token: string

  constructor(place: { url: string; token: string }) {
    this.url = place.url
    this.#token = place.token
  }

  get<Reply>(path: string, query: Query = {}): Promise<Reply> {
    return this.#call<Reply>('GET', path, query, undefined)
  }

  /**
   * A request that changes something. Sent again once when the network fails, which its Idempotency-Key makes safe.
   * `body` as Buffer is sent as it is, and stays the caller's to wipe.
   */
  send<Reply>(method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<Reply> {
    return this.#call<Reply>(method, path, {}, bytesOf(body))
  }

  async #call<Reply>(method: string, path: string, query: Query, body: Buffer | undefined): Promise<Reply> {
    const url = new URL(`${this.url}/api/v1${path}`)
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value))
    }
    const isWrite = method !== 'GET'
    const reply = await this.#exchange({
      url,
      method,
      body,
      headers: {
        accept: 'application/json, application/problem+json',
        authorization: `Bearer ${this.#token}`,
        ...(isWrite ? { 'idempotency-key': randomUUID() } : {}),
      },
      timeoutMs: isWrite ? writeTimeoutMs : readTimeoutMs,
    })
    // What a route of ours answers with 2xx is what its response schema let through.
    return this.#read(reply) as Reply
  }

  async #exchange(request: HttpRequest): Promise<HttpReply> {
    try {
      return await exchange(request)
    } catch (error) {
      if (!(error instanceof NetworkError) || error.code === timedOut || certificateFault.test(error.code)) {
        throw this.#unreachable(error)
      }
    }
    await sleep(retryDelayMs)
    for (let attempt = 0; ; attempt += 1) {
      const reply = await exchange(request).catch((error: unknown) => {
        throw this.#unreachable(error)
      })
      // The first attempt did arrive, and is still being carried out: its answer is what we want.
      if (attempt === inProgressRetriesMax || !isInProgress(reply)) return reply
      await sleep(inProgressDelayMs)
    }
  }

  #read(reply: HttpReply): unknown {
    const body = parse(reply.text)
    if (reply.status >= 200 && reply.status < 300 && body !== undefined) return body
    const problem = problemIn(reply.status, body)
    if (problem !== null) throw problem
    throw new CliError(
      'not_hasp',
      `What answers at ${this.url} is not Hasp's management API (HTTP ${reply.status}, ${reply.contentType || 'no content type'}).`,
      'Set HASP_URL to where Hasp listens, without a path: for example http://127.0.0.1:4700',
    )
  }

  #unreachable(error: unknown): unknown {
    if (!(error instanceof NetworkError)) return error
    if (error.code === timedOut) {
      return new CliError(
        'timed_out',
        `Hasp at ${this.url} did not answer in time; a change may or may not have been made.`,
        'Look at what is there (list, show) before you try again.',
      )
    }
    const isNoTls = error.code === 'EPROTO' && this.url.startsWith('https:')
    return new CliError(
      'unreachable',
      `No Hasp could be reached at ${this.url} (${error.code}), which is what HASP_URL says.`,
      isNoTls
        ? 'What listens there does not speak TLS. Hasp itself does not: its HASP_URL begins with http://, and only what stands in front of it has an https:// one.'
        : "Is HASP_URL right, and the service running? Start one with 'hasp serve'; it prints where it listens.",
    )
  }
}

function bytesOf(body: object | undefined): Buffer | undefined {
  if (body === undefined || Buffer.isBuffer(body)) return body
  return Buffer.from(JSON.stringify(body))
}

function isInProgress(reply: HttpReply): boolean {
  return (
    reply.status === 409 && problemIn(reply.status, parse(reply.text))?.code === 'idempotency_in_progress'
  )
}

/** Undefined for what is not JSON; null for nothing at all. */
function parse(text: string): unknown {
  if (text === '') return null
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
