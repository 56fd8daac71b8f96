import { Pool } from 'undici'
import { startSteadyCalls } from '../hasp/steady-calls.ts'

export type OpenLoopResult = Readonly<{
  sent: number
  answered: number
  /** Answered by Hasp or the provider with anything but 200. */
  refused: number
  /** The connection was refused or broke. */
  broken: number
}>

/** A load that does not wait: the next request leaves on time whether the last was answered or not. */
export interface OpenLoop extends AsyncDisposable {
  readonly inFlight: number
  readonly answered: number
  /** Sends no more, and waits for what is under way. */
  stop(): Promise<OpenLoopResult>
}

/** The model that request `index` asks for: in its receipt, and in its body, whose SHA-256 the provider remembers. */
export function crashModel(index: number): string {
  return `gpt-crash-${index}`
}

/** Every second request asks for a stream. */
export function crashBody(index: number): string {
  const messages = [{ role: 'user', content: 'Hello' }]
  return JSON.stringify({ model: crashModel(index), messages, stream: index % 2 === 1 })
}

/** Names request `index` in a header that Hasp hands on. */
export const indexHeader = 'x-client-request-id'

const requestTimeoutMs = 20_000

export function startOpenLoop(load: {
  url: string
  virtualKey: string
  requestsPerSecond: number
}): OpenLoop {
  const pool = new Pool(load.url, { connections: 64, headersTimeout: requestTimeoutMs })
  const counts = { answered: 0, refused: 0, broken: 0 }

  const send = async (index: number) => {
    try {
      const { statusCode, body } = await pool.request({
        method: 'POST',
        path: '/openai/v1/chat/completions',
        headers: {
          authorization: `Bearer ${load.virtualKey}`,
          'content-type': 'application/json',
          [indexHeader]: crashModel(index),
        },
        body: crashBody(index),
      })
      await body.dump()
      if (statusCode === 200) counts.answered += 1
      else counts.refused += 1
    } catch {
      counts.broken += 1
    }
  }
  const calls = startSteadyCalls(load.requestsPerSecond, send)
  const stop = async () => {
    await calls.stop()
    return { ...counts, sent: calls.begun }
  }
  return {
    get inFlight() {
      return calls.inFlight
    },
    get answered() {
      return counts.answered
    },
    stop,
    async [Symbol.asyncDispose]() {
      const stopped = stop()
      await pool.destroy()
      await stopped
    },
  }
}
