/**
 * The floor: what node:http and undici's dispatch cost by themselves, passing on every header and byte and doing
 * nothing else. Argument: the upstream's origin.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Pool, type Dispatcher } from 'undici'
import { listenAndSay } from './listen.ts'

const pool = new Pool(process.argv[2] ?? '', { connections: 4096, pipelining: 1 })
const notPassedOn = new Set(['host', 'connection', 'content-length', 'transfer-encoding'])

listenAndSay(
  createServer({ keepAliveTimeout: 60_000, noDelay: true }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => passThrough(request, response, chunks))
  }),
)

function passThrough(request: IncomingMessage, response: ServerResponse, chunks: Buffer[]): void {
  const { rawHeaders, method = 'GET', url: path = '/' } = request
  const headers: string[] = []
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? ''
    if (!notPassedOn.has(name.toLowerCase())) headers.push(name, rawHeaders[at + 1] ?? '')
  }
  const body = chunks.length === 1 ? (chunks[0] ?? null) : Buffer.concat(chunks)
  pool.dispatch({ method, path, headers, body }, new Passage(response))
}

/** Answers in one write where the reply comes in one piece. */
class Passage implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse
  #held: Buffer | null = null
  #isKnownLength = false

  constructor(response: ServerResponse) {
    this.#response = response
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#response.once('close', () => {
      if (!this.#response.writableEnded) controller.abort(new Error('The caller is gone.'))
    })
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    const raw = Array.isArray(controller.rawHeaders) ? controller.rawHeaders : []
    const headers = raw.map((entry) => entry.toString('latin1'))
    this.#isKnownLength = headers.some((entry) => entry.toLowerCase() === 'content-length')
    this.#response.writeHead(status, headers)
    if (!this.#isKnownLength) this.#response.flushHeaders()
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#held !== null) this.#response.write(this.#held)
    this.#held = null
    if (this.#isKnownLength) this.#held = chunk
    else this.#response.write(chunk)
  }

  onResponseEnd(): void {
    this.#response.end(this.#held)
  }

  onResponseError(): void {
    this.#response.destroy()
  }
}
