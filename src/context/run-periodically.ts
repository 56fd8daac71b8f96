import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Runs `task` again and again, `intervalMs` after its last end, until disposed of; a failure is reported and the
 * next run comes all the same. Disposing waits for the run under way.
 */
export function runPeriodically(
  intervalMs: number,
  task: () => Promise<unknown>,
  onError: (error: unknown) => void,
): AsyncDisposable {
  const stopping = new AbortController()
  const running = (async () => {
    while (!stopping.signal.aborted) {
      try {
        await task()
      } catch (error) {
        onError(error)
      }
      await sleep(intervalMs, undefined, { signal: stopping.signal }).catch(() => {})
    }
  })()
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await running
    },
  }
}
