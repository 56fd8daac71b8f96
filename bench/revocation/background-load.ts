import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'

/** Calls through Hasp, each with an id that reaches the provider in a header. */
export class Caller {
  readonly #place: { haspUrl: string; virtualKey: string }
  readonly #agent = new Agent({ connections: 64 })
  readonly #startedAtMs = new Map<string, number>()
  #count = 0

  constructor(place: { haspUrl: string; virtualKey: string }) {
    this.#place = place
  }

  /** When the call of this id was started, by `performance.now()`. */
  startOf(id: string): number | undefined {
    return this.#startedAtMs.get(id)
  }

  /** How many calls were started after this moment. */
  startsAfter(atMs: number): number {
    return [...this.#startedAtMs.values()].filter((startedAtMs) => startedAtMs > atMs).length
  }

  async call(): Promise<Readonly<{ id: string; status: number; durationMs: number }>> {
    this.#count += 1
    const id = `call-${this.#count}`
    const startedAtMs = performance.now()
    this.#startedAtMs.set(id, startedAtMs)
    const { statusCode, body } = await request(`${this.#place.haspUrl}/openai/v1/chat/completions`, {
      method: 'POST',
      dispatcher: this.#agent,
      headers: {
        authorization: `Bearer ${this.#place.virtualKey}`,
        'content-type': 'application/json',
        'x-client-request-id': id,
      },
      body: '{"model":"gpt-5","messages":[{"role":"user","content":"Hello"}]}',
    })
    await body.dump()
    return { id, status: statusCode, durationMs: performance.now() - startedAtMs }
  }

  forget(): void {
    this.#startedAtMs.clear()
  }

  close(): Promise<void> {
    return this.#agent.close()
  }
}

/** Calls without a pause from several places at once, until it is stopped. */
export function startLoad(caller: Caller, concurrency: number): { stop: () => Promise<void> } {
  const stopping = new AbortController()
  const workers = Array.from({ length: concurrency }, async () => {
    while (!stopping.signal.aborted) {
      const { status } = await caller.call()
      // Refused: leave the others the processor.
      if (status !== 200) await sleep(1)
    }
  })
  return {
    async stop() {
      stopping.abort()
      await Promise.all(workers)
    },
  }
}
