import { setTimeout as pause } from 'node:timers/promises'
import type { EncryptionContext } from '#envelope/encryption-context.ts'
import type { SecretBytes } from '#envelope/secret-bytes.ts'
import { CircuitBreaker, type CircuitBreakerOptions } from './circuit-breaker.ts'
import { ConcurrencyLimit, type ConcurrencyLimitOptions } from './concurrency-limit.ts'
import { kekCallMsMax } from './kek-call-time.ts'
import { KekFault } from './kek-fault.ts'
import type {
  KekCallOptions,
  KekDescription,
  KekProvider,
  UnwrapResult,
  WrappedDek,
  WrapResult,
} from './kek-provider.ts'
import { gaveUp, withinTime } from './within-time.ts'

export type GuardOptions = CircuitBreakerOptions &
  ConcurrencyLimitOptions &
  Readonly<{
    /** For one attempt, whatever the provider behind does. */
    attemptMsMax: number
    /** Ceiling of the random pause before the one retry. */
    retryPauseMsMax: number
    /** A KMS that asks for a longer pause than this is not retried here: its caller is told how long. */
    retryAfterMsMax: number
    /** Monotonic milliseconds, for the breaker. */
    now: () => number
    random: () => number
  }>

const guardDefaults: GuardOptions = {
  attemptMsMax: kekCallMsMax,
  retryPauseMsMax: 100,
  retryAfterMsMax: 250,
  failuresMax: 5,
  windowMs: 30_000,
  openMs: 2_000,
  openMsMax: 30_000,
  inFlightMax: 64,
  queuedMax: 1_024,
  queueWaitMsMax: 1_000,
  now: () => performance.now(),
  random: Math.random,
}

/**
 * Puts limits around one KEK's provider: time for each attempt, one retry where another try may help, a circuit
 * breaker, a number of calls under way and a bounded queue. One guard for each KEK, so that no organisation's
 * slow or failing KMS holds what another's needs.
 *
 * The breaker counts only `unreachable`: every other fault is an answer of the KMS.
 */
export class GuardedKekProvider implements KekProvider {
  readonly kekRef: string
  readonly #provider: KekProvider
  readonly #options: GuardOptions
  readonly #breaker: CircuitBreaker
  readonly #limit: ConcurrencyLimit

  constructor(provider: KekProvider, options: Partial<GuardOptions> = {}) {
    this.kekRef = provider.kekRef
    this.#provider = provider
    this.#options = { ...guardDefaults, ...options }
    this.#breaker = new CircuitBreaker(this.#options, this.#options)
    this.#limit = new ConcurrencyLimit(this.#options)
  }

  wrap(dek: SecretBytes, context: EncryptionContext, options: KekCallOptions = {}): Promise<WrapResult> {
    return this.#guard(options.signal, (signal) => this.#provider.wrap(dek, context, { ...options, signal }))
  }

  unwrap(
    wrapped: WrappedDek,
    context: EncryptionContext,
    options: KekCallOptions = {},
  ): Promise<UnwrapResult> {
    return this.#guard(
      options.signal,
      (signal) => this.#provider.unwrap(wrapped, context, { ...options, signal }),
      disposeOfDek,
    )
  }

  describe(options: KekCallOptions = {}): Promise<KekDescription> {
    return this.#guard(options.signal, (signal) => this.#provider.describe({ ...options, signal }))
  }

  async #guard<Result>(
    signal: AbortSignal | undefined,
    call: (signal: AbortSignal) => Promise<Result>,
    discard?: (late: Result) => void,
  ): Promise<Result> {
    if (signal?.aborted === true) throw gaveUp()
    if (!this.#limit.tryEnter()) await this.#waitForPlace(signal)
    try {
      return await this.#attemptTwice(signal, call, discard)
    } finally {
      this.#limit.leave()
    }
  }

  async #waitForPlace(signal: AbortSignal | undefined): Promise<void> {
    const noPlace = await this.#limit.enter(signal)
    if (noPlace === undefined) return
    if (noPlace === 'aborted') throw gaveUp()
    throw new KekFault(
      'throttled',
      noPlace,
      'More calls to this KEK than its KMS serves: send fewer, or use the shared or cached mode.',
      {
        retryAfterMs: this.#options.queueWaitMsMax,
      },
    )
  }

  async #attemptTwice<Result>(
    signal: AbortSignal | undefined,
    call: (signal: AbortSignal) => Promise<Result>,
    discard: ((late: Result) => void) | undefined,
  ): Promise<Result> {
    try {
      return await this.#attempt(signal, call, discard)
    } catch (error) {
      const pauseMs = this.#pauseBeforeRetry(error)
      if (pauseMs === undefined || signal?.aborted === true) throw error
      await pause(pauseMs, undefined, signal === undefined ? {} : { signal }).catch(() => {
        throw gaveUp()
      })
      return await this.#attempt(signal, call, discard)
    }
  }

  async #attempt<Result>(
    signal: AbortSignal | undefined,
    call: (signal: AbortSignal) => Promise<Result>,
    discard: ((late: Result) => void) | undefined,
  ): Promise<Result> {
    const passage = this.#breaker.pass()
    if (passage.isOpen) throw circuitOpen(passage.retryAfterMs)
    const { isProbe } = passage
    try {
      const result = await withinTime(call, { timeoutMs: this.#options.attemptMsMax, signal, discard })
      this.#breaker.succeed(isProbe)
      return result
    } catch (error) {
      if (signal?.aborted === true) this.#breaker.abandon(isProbe)
      else if (error instanceof KekFault && error.kind !== 'unreachable') this.#breaker.succeed(isProbe)
      else this.#breaker.fail(isProbe)
      throw error
    }
  }

  /** How long to wait before trying again; undefined when a second try makes no sense. */
  #pauseBeforeRetry(error: unknown): number | undefined {
    if (!(error instanceof KekFault) || !error.isTransient || this.#breaker.isOpen) return undefined
    const { retryPauseMsMax, retryAfterMsMax, random } = this.#options
    const askedMs = error.retryAfterMs ?? 0
    return askedMs > retryAfterMsMax ? undefined : askedMs + random() * retryPauseMsMax
  }
}

function disposeOfDek(late: UnwrapResult): void {
  late.dek[Symbol.dispose]()
}

function circuitOpen(retryAfterMs: number): KekFault {
  return new KekFault(
    'unreachable',
    'circuit-open',
    'The KMS of this KEK did not answer several times in a row; it is asked again shortly.',
    { retryAfterMs },
  )
}
