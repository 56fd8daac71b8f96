import { setTimeout as sleep } from 'node:timers/promises'

const pauseMsMin = 500
const pauseMsMax = 30_000

/**
 * Keeps a job within its rate, and quiet for a while when a KMS asks for it or does not answer: all records of the job
 * wait together, longer each time, until one gets through.
 */
export class Pacer {
  readonly #intervalMs: number
  readonly #signal: AbortSignal
  #nextTurnMs = 0
  #pauseMs = pauseMsMin
  #pausedUntilMs = 0

  constructor(perSecondMax: number, signal: AbortSignal) {
    this.#intervalMs = 1000 / perSecondMax
    this.#signal = signal
  }

  /** Resolves when the next record may begin. @throws the signal's reason once it is aborted. */
  async turn(): Promise<void> {
    for (;;) {
      this.#signal.throwIfAborted()
      const now = performance.now()
      const dueMs = Math.max(this.#nextTurnMs, this.#pausedUntilMs)
      if (dueMs <= now) {
        this.#nextTurnMs = Math.max(now - this.#intervalMs, this.#nextTurnMs) + this.#intervalMs
        return
      }
      await sleep(dueMs - now, undefined, { signal: this.#signal }).catch(() => {})
    }
  }

  /** Nobody has a turn for a while, and for `askedMs` at least. Records under way count as one failure. */
  pause(askedMs = 0): void {
    const now = performance.now()
    if (this.#pausedUntilMs > now) return
    this.#pausedUntilMs = now + Math.max(askedMs, this.#pauseMs)
    this.#pauseMs = Math.min(this.#pauseMs * 2, pauseMsMax)
  }

  /** A record got through. */
  succeed(): void {
    this.#pauseMs = pauseMsMin
  }
}
