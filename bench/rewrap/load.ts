import { hash } from 'node:crypto'
import { Pool } from 'undici'
import { startSteadyCalls } from '../hasp/steady-calls.ts'

/** How long requests took that were answered, in milliseconds. */
type Latency = Readonly<{ p50: number; p99: number; max: number }>

export type LoadResult = Readonly<{
  sent: number
  answered: number
  /** What came of those that were not answered with 200: `HTTP 503 kek_unreachable`, … and how often. */
  failures: Readonly<Record<string, number>>
  latencyMs: Latency
  /** Of the requests that were answered in each part of the run. */
  parts: Readonly<Record<string, Readonly<{ answered: number; latencyMs: Latency }>>>
}>

/** Requests that name a target each, and whose `x-client-request-id` says which. */
export interface Load extends AsyncDisposable {
  readonly answered: number
  /** What is answered from now on belongs to this part of the run. */
  enter(part: string): void
  stop(): Promise<LoadResult>
}

const requestTimeoutMs = 20_000
const body = JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: 'Hello' }] })

export function startLoad(load: {
  url: string
  virtualKey: string
  requestsPerSecond: number
  /** Name of the target that the request of this index asks for. */
  targetOf: (index: number) => string
  connections?: number
}): Load {
  const pool = new Pool(load.url, { connections: load.connections ?? 64, headersTimeout: requestTimeoutMs })
  const failures: Record<string, number> = {}
  const latenciesMs: number[] = []
  const partsMs = new Map<string, number[]>()
  let partMs: number[] | undefined

  const fail = (how: string) => {
    failures[how] = (failures[how] ?? 0) + 1
  }
  const succeed = (latencyMs: number) => {
    latenciesMs.push(latencyMs)
    partMs?.push(latencyMs)
  }
  const send = async (index: number) => {
    const startedAt = performance.now()
    const target = load.targetOf(index)
    try {
      const reply = await pool.request({
        method: 'POST',
        path: '/openai/v1/chat/completions',
        headers: {
          authorization: `Bearer ${load.virtualKey}`,
          'content-type': 'application/json',
          'x-hasp-target': target,
          'x-client-request-id': target,
        },
        body,
      })
      const text = await reply.body.text()
      if (reply.statusCode === 200) succeed(performance.now() - startedAt)
      else fail(`HTTP ${reply.statusCode} ${/"code":"(\w+)"/.exec(text)?.[1] ?? ''}`)
    } catch (error) {
      fail(error instanceof Error ? error.message : 'broken')
    }
  }
  const calls = startSteadyCalls(load.requestsPerSecond, send)
  const stop = async () => {
    await calls.stop()
    const { begun: sent } = calls
    const parts = Object.fromEntries(
      [...partsMs].map(([part, ms]) => [part, { answered: ms.length, latencyMs: quantilesOf(ms) }]),
    )
    return { sent, answered: latenciesMs.length, failures, latencyMs: quantilesOf(latenciesMs), parts }
  }
  return {
    get answered() {
      return latenciesMs.length
    },
    enter(part) {
      partMs = partsMs.get(part) ?? []
      partsMs.set(part, partMs)
    },
    stop,
    async [Symbol.asyncDispose]() {
      const stopped = stop()
      await pool.destroy()
      await stopped
    },
  }
}

/** How a mock provider's journal shows a credential. */
export function digestOf(credential: string): string {
  return hash('sha256', credential, 'hex')
}

function quantilesOf(latenciesMs: readonly number[]): Latency {
  const sorted = latenciesMs.toSorted((a, b) => a - b)
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
  return { p50: at(0.5), p99: at(0.99), max: at(1) }
}
