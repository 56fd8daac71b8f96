import { setTimeout as sleep } from 'node:timers/promises'
import { Client, type ClientConfig } from 'pg'
import { connectTimeoutMs, whereOf, type Connection } from './connection.ts'

const backoffMsMin = 100
const backoffMsMax = 5_000
/** A connection that has silently died (a partition, a lost NAT entry) is noticed within two of these. */
const heartbeatMsDefault = 5_000

export type ListenOptions = Readonly<{
  connection: Connection
  channel: string
  onMessage: (payload: string) => void
  /** Called after every connect, the first too: whatever was sent before it is lost, so read the state anew. */
  onGap: () => void
  heartbeatMs?: number
  applicationName?: string
}>

/**
 * Listens on a channel, on a connection of its own, until disposed of; a lost connection is made again with
 * growing pauses. PostgreSQL keeps no message for whoever is away: `onGap` tells of each time that we were.
 * @throws {DatabaseError} `database_url_invalid`
 */
export function listen(options: ListenOptions): Listener {
  return new Listener(options)
}

export class Listener implements AsyncDisposable {
  readonly #options: ListenOptions
  readonly #closing = new AbortController()
  readonly #running: Promise<void>
  #isConnected = false

  constructor(options: ListenOptions) {
    this.#options = options
    this.#running = this.#run(whereOf(options.connection))
  }

  /** While false, messages are being missed. */
  get isConnected(): boolean {
    return this.#isConnected
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  async #run(where: ClientConfig): Promise<void> {
    let backoffMs = backoffMsMin
    while (!this.#closing.signal.aborted) {
      const wasConnected = await this.#listenOnce(where)
      backoffMs = wasConnected ? backoffMsMin : Math.min(backoffMs * 2, backoffMsMax)
      await pause(backoffMs, this.#closing.signal)
    }
  }

  /** One connection, from its start to its end. Answers whether it ever listened; never throws. */
  async #listenOnce(where: ClientConfig): Promise<boolean> {
    const { channel, applicationName = 'hasp:listener' } = this.#options
    const client = new Client({
      ...where,
      application_name: applicationName,
      connectionTimeoutMillis: connectTimeoutMs,
      query_timeout: this.#heartbeatMs,
      keepAlive: true,
    })
    // `end` tells of the same; without a listener the process would end.
    client.on('error', () => {})
    const ended = new AbortController()
    client.once('end', () => ended.abort())
    client.on('notification', ({ payload }) => this.#options.onMessage(payload ?? ''))
    try {
      await client.connect()
      await client.query(`LISTEN ${client.escapeIdentifier(channel)}`)
      this.#isConnected = true
      this.#options.onGap()
      await this.#watch(client, AbortSignal.any([ended.signal, this.#closing.signal]))
    } catch {
      // Unreachable, refused or too slow: `run` tries again.
    } finally {
      await client.end().catch(() => {})
    }
    const wasConnected = this.#isConnected
    this.#isConnected = false
    return wasConnected
  }

  /** Returns at `end`; throws when the server no longer answers. */
  async #watch(client: Client, end: AbortSignal): Promise<void> {
    while (!end.aborted) {
      await pause(this.#heartbeatMs, end)
      if (!end.aborted) await client.query('SELECT 1')
    }
  }

  get #heartbeatMs(): number {
    return this.#options.heartbeatMs ?? heartbeatMsDefault
  }
}

/** Cut short, without an error, by the signal. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {})
}
