import { hash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** What a mock provider remembers of one request: enough to prove what arrived, never the credential itself. */
export type RecordedRequest = {
  readonly method: string
  /** With its query. */
  readonly path: string
  /** As they arrived, except that a credential stands as the lower-case hex of its SHA-256. */
  readonly headers: Readonly<Record<string, string>>
  readonly receivedAt: string
  /** Of the raw body; null while the body is still arriving, or for ever if it never arrived whole. */
  bodySha256: string | null
  /** The caller went away before it had the whole answer. */
  isAborted: boolean
}

const CREDENTIAL_HEADERS = new Set(['authorization', 'x-api-key', 'api-key', 'x-goog-api-key'])

/** Remembers the last `entriesMax` requests and counts all of them. */
export class RequestJournal {
  readonly #entries: RecordedRequest[] = []
  readonly #entriesMax: number
  #count = 0

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax
  }

  get count(): number {
    return this.#count
  }

  entries(): RecordedRequest[] {
    return this.#entries.map((entry) => ({ ...entry }))
  }

  /** Returns the live entry, for the server to complete as the exchange goes on. */
  record(method: string, path: string, headers: IncomingHttpHeaders): RecordedRequest {
    this.#count += 1
    if (this.#entries.length === this.#entriesMax) this.#entries.shift()
    const receivedAt = new Date().toISOString()
    const entry = { method, path, headers: redact(headers), receivedAt, bodySha256: null, isAborted: false }
    this.#entries.push(entry)
    return entry
  }
}

function redact(headers: IncomingHttpHeaders): Record<string, string> {
  const safe: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    const text = Array.isArray(value) ? value.join(', ') : (value ?? '')
    safe[name] = CREDENTIAL_HEADERS.has(name) ? digestCredential(text) : text
  }
  return safe
}

function digestCredential(value: string): string {
  const prefix = /^bearer /i.exec(value)?.[0] ?? ''
  return `${prefix}${hash('sha256', value.slice(prefix.length), 'hex')}`
}
