import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiServer } from '#http/api-server.ts'
import type { CallsInFlight } from '#proxy/calls-in-flight.ts'

const sweepMs = 100
/** For what is cut to be told why. */
const lastWordsMs = 250

/**
 * Takes no new connections and lets what is under way end, for at most `drainTimeoutMs`; then cuts it. Afterwards no
 * connection is left.
 * @returns how many proxied calls were cut.
 */
export async function stopServing(
  app: ApiServer,
  calls: CallsInFlight,
  drainTimeoutMs: number,
): Promise<number> {
  const closing = app.close()
  // A connection whose last request ended just now would be kept alive for its next one.
  const sweeping = setInterval(() => app.server.closeIdleConnections(), sweepMs)
  try {
    await endOf(closing, drainTimeoutMs)
    const callsCut = await calls.drain(0)
    if (callsCut > 0) await endOf(closing, lastWordsMs)
    app.server.closeAllConnections()
    await closing
    return callsCut
  } finally {
    clearInterval(sweeping)
  }
}

/** Waits for `closing`, and no longer than `timeoutMs`. */
async function endOf(closing: PromiseLike<unknown>, timeoutMs: number): Promise<void> {
  const timer = new AbortController()
  const timeout = sleep(timeoutMs, undefined, { signal: timer.signal }).catch(() => {})
  await Promise.race([closing, timeout])
  timer.abort()
}
