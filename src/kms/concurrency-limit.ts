export type ConcurrencyLimitOptions = Readonly<{
  inFlightMax: number
  queuedMax: number
  queueWaitMsMax: number
}>

/** Why no place was given: the queue is full, the wait was too long, or the caller gave up. */
type NoPlace = 'queue-full' | 'queue-wait' | 'aborted'

type Waiter = { give: () => void; timer: NodeJS.Timeout }

/** A number of places, and a bounded queue for them in order of arrival. */
export class ConcurrencyLimit {
  readonly #options: ConcurrencyLimitOptions
  readonly #waiters = new Set<Waiter>()
  #inFlight = 0

  constructor(options: ConcurrencyLimitOptions) {
    this.#options = options
  }

  /** Takes a place at once; whoever gets one gives it back by {@link leave}. */
  tryEnter(): boolean {
    if (this.#inFlight >= this.#options.inFlightMax) return false
    this.#inFlight += 1
    return true
  }

  /** Waits for a place. Undefined means that the caller has one. */
  enter(signal: AbortSignal | undefined): Promise<NoPlace | undefined> {
    const { queuedMax, queueWaitMsMax } = this.#options
    if (this.#waiters.size >= queuedMax) return Promise.resolve('queue-full')
    return new Promise((resolve) => {
      const end = (outcome: NoPlace | undefined) => {
        clearTimeout(waiter.timer)
        signal?.removeEventListener('abort', abort)
        this.#waiters.delete(waiter)
        resolve(outcome)
      }
      const abort = () => end('aborted')
      const waiter: Waiter = {
        give: () => end(undefined),
        timer: setTimeout(() => end('queue-wait'), queueWaitMsMax),
      }
      signal?.addEventListener('abort', abort, { once: true })
      this.#waiters.add(waiter)
    })
  }

  /** Gives the place back: to the one who waits longest, if any. */
  leave(): void {
    const [next] = this.#waiters
    if (next === undefined) this.#inFlight -= 1
    else next.give()
  }
}
