export type CircuitBreakerOptions = Readonly<{
  /** Failures in a row that open the circuit. */
  failuresMax: number
  /** Failures further apart than this do not count as in a row. */
  windowMs: number
  /** First pause before a probe; doubles with each probe that fails. */
  openMs: number
  openMsMax: number
}>

type Timing = Readonly<{
  /** Monotonic milliseconds. */
  now: () => number
  /** From 0 to 1. */
  random: () => number
}>

/** May a call pass? `isProbe` calls are alone, and what becomes of them decides. */
type Passage =
  | Readonly<{ isOpen: false; isProbe: boolean }>
  | Readonly<{ isOpen: true; retryAfterMs: number }>

/**
 * Stops asking a KMS that does not answer: after `failuresMax` failures in a row nobody passes for a pause, then
 * one probe does; it closes the circuit, or lengthens the pause. The pause is jittered, so that the nodes of a
 * fleet do not probe at once.
 */
export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions
  readonly #timing: Timing
  #failures = 0
  #lastFailureAtMs = 0
  #pauses = 0
  /** When the next probe may pass; undefined while the circuit is closed. */
  #probeAtMs: number | undefined
  #isProbing = false

  constructor(options: CircuitBreakerOptions, timing: Timing) {
    this.#options = options
    this.#timing = timing
  }

  /** Asks to pass. Whoever passes reports by exactly one of {@link succeed}, {@link fail} and {@link abandon}. */
  pass(): Passage {
    if (this.#probeAtMs === undefined) return { isOpen: false, isProbe: false }
    const waitMs = this.#probeAtMs - this.#timing.now()
    if (waitMs > 0) return { isOpen: true, retryAfterMs: Math.ceil(waitMs) }
    if (this.#isProbing) return { isOpen: true, retryAfterMs: this.#options.openMs }
    this.#isProbing = true
    return { isOpen: false, isProbe: true }
  }

  /** The KMS answered, whatever it said. A late answer to a call from before the circuit opened does not close it. */
  succeed(isProbe: boolean): void {
    if (this.#probeAtMs !== undefined && !isProbe) return
    this.#failures = 0
    this.#pauses = 0
    this.#probeAtMs = undefined
    this.#isProbing = false
  }

  /** The KMS could not be reached. */
  fail(isProbe: boolean): void {
    const now = this.#timing.now()
    if (isProbe) {
      this.#isProbing = false
      return this.#pause(now)
    }
    this.#failures = now - this.#lastFailureAtMs <= this.#options.windowMs ? this.#failures + 1 : 1
    this.#lastFailureAtMs = now
    if (this.#probeAtMs === undefined && this.#failures >= this.#options.failuresMax) this.#pause(now)
  }

  /** The caller gave up: nothing was learnt, and another may probe. */
  abandon(isProbe: boolean): void {
    if (isProbe) this.#isProbing = false
  }

  /** Whether a retry would be refused. */
  get isOpen(): boolean {
    return this.#probeAtMs !== undefined
  }

  #pause(now: number): void {
    const { openMs, openMsMax } = this.#options
    const pauseMs = Math.min(openMs * 2 ** this.#pauses, openMsMax)
    this.#pauses += 1
    this.#probeAtMs = now + pauseMs * (0.5 + this.#timing.random() / 2)
  }
}
