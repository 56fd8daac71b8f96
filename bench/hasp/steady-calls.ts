import { setTimeout as sleep } from 'node:timers/promises'

/** A load that does not wait: the next call begins on time whether the last has ended or not. */
export interface SteadyCalls {
  readonly begun: number
  readonly inFlight: number
  /** Begins no more, and waits for what is under way. */
  stop(): Promise<void>
}

const tickMs = 5

/** @param call must not fail */
export function startSteadyCalls(perSecond: number, call: (index: number) => Promise<void>): SteadyCalls {
  const underWay = new Set<Promise<void>>()
  const stopping = new AbortController()
  let begun = 0
  const running = (async () => {
    const startedAt = performance.now()
    while (!stopping.signal.aborted) {
      const due = ((performance.now() - startedAt) / 1000) * perSecond
      while (begun < due) {
        const one = call(begun++).finally(() => underWay.delete(one))
        underWay.add(one)
      }
      await sleep(tickMs)
    }
  })()
  return {
    get begun() {
      return begun
    },
    get inFlight() {
      return underWay.size
    },
    async stop() {
      stopping.abort()
      await running
      await Promise.all(underWay)
    },
  }
}
