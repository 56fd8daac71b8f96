/** A call under way, as far as others may act on it. */
export interface OngoingCall {
  readonly kekId: string
  readonly orgId: string
  /** Whether its KEK's rule is to cut streams when the KEK goes. */
  readonly isCutOnRevocation: boolean
  /** Where {@link CallsInFlight} keeps it; undefined while it does not. Nobody else's business. */
  place: number | undefined
  /** Ends it because its KEK was revoked; the caller is told, in its dialect. */
  cutOnRevocation(): void
  /** Ends it because this node stops. */
  cutOnStop(): void
}

/**
 * Every call between its receipt and its end.
 *
 * An array and not a Set, because every request comes and goes: V8 links each table that a Set or Map outgrows to
 * the next one, so that once a table is in the old space all calls of all later tables outlive every minor
 * collection (more than a tenth of all CPU time, docs/performance.md).
 */
export class CallsInFlight {
  readonly #calls: OngoingCall[] = []
  readonly #max: number
  #onEmpty: (() => void) | undefined

  /** @param max calls under way at once, in sum. */
  constructor(max: number) {
    this.#max = max
  }

  get count(): number {
    return this.#calls.length
  }

  get isFull(): boolean {
    return this.#calls.length >= this.#max
  }

  /** Ids of the KEKs that calls under way depend on. */
  kekIds(): string[] {
    return [...new Set(this.#calls.map((call) => call.kekId))]
  }

  add(call: OngoingCall): void {
    call.place = this.#calls.push(call) - 1
  }

  /** The last call takes the place of the one that goes. */
  delete(call: OngoingCall): void {
    const { place } = call
    const last = this.#calls.at(-1)
    if (place === undefined || last === undefined) return
    this.#calls[place] = last
    last.place = place
    this.#calls.pop()
    call.place = undefined
    if (this.#calls.length === 0) this.#onEmpty?.()
  }

  /** Cuts the calls of a revoked KEK, unless its rule is to let them end. @returns how many were cut. */
  cutKek(kekId: string): number {
    const cut = this.#calls.filter((call) => call.kekId === kekId && call.isCutOnRevocation)
    for (const call of cut) call.cutOnRevocation()
    return cut.length
  }

  /** Waits for the calls under way to end; those left after `timeoutMs` are cut. @returns how many were cut. */
  async drain(timeoutMs: number): Promise<number> {
    if (this.count === 0) return 0
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      this.#onEmpty = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    const left = [...this.#calls]
    for (const call of left) call.cutOnStop()
    return left.length
  }
}
