/** A call under way, as far as others may act on it. */
export interface OngoingCall {
  readonly kekId: string
  readonly orgId: string
  /** Whether its KEK's rule is to cut streams when the KEK goes. */
  readonly isCutOnRevocation: boolean
  /** Ends it because its KEK was revoked; the caller is told, in its dialect. */
  cutOnRevocation(): void
  /** Ends it because this node stops. */
  cutOnStop(): void
}

/** Every call between its receipt and its end, to be found by KEK. */
export class CallsInFlight {
  readonly #byKek = new Map<string, Set<OngoingCall>>()
  readonly #max: number
  #count = 0
  #onEmpty: (() => void) | undefined

  /** @param max calls under way at once, in sum. */
  constructor(max: number) {
    this.#max = max
  }

  get count(): number {
    return this.#count
  }

  get isFull(): boolean {
    return this.#count >= this.#max
  }

  /** Ids of the KEKs that calls under way depend on. */
  kekIds(): string[] {
    return [...this.#byKek.keys()]
  }

  add(call: OngoingCall): void {
    let calls = this.#byKek.get(call.kekId)
    if (calls === undefined) this.#byKek.set(call.kekId, (calls = new Set()))
    calls.add(call)
    this.#count += 1
  }

  delete(call: OngoingCall): void {
    const calls = this.#byKek.get(call.kekId)
    if (calls === undefined || !calls.delete(call)) return
    if (calls.size === 0) this.#byKek.delete(call.kekId)
    this.#count -= 1
    if (this.#count === 0) this.#onEmpty?.()
  }

  /** Cuts the calls of a revoked KEK, unless its rule is to let them end. @returns how many were cut. */
  cutKek(kekId: string): number {
    const cut = [...(this.#byKek.get(kekId) ?? [])].filter((call) => call.isCutOnRevocation)
    for (const call of cut) call.cutOnRevocation()
    return cut.length
  }

  /** Waits for the calls under way to end; those left after `timeoutMs` are cut. @returns how many were cut. */
  async drain(timeoutMs: number): Promise<number> {
    if (this.#count === 0) return 0
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      this.#onEmpty = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    const left = [...this.#byKek.values()].flatMap((calls) => [...calls])
    for (const call of left) call.cutOnStop()
    return left.length
  }
}
