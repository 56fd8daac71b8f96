/**
 * A setting whose change is recorded at once and bites later, as a cloud's eventually consistent control plane does.
 * Reads for display use {@link recorded}; decisions use {@link effective}.
 */
export class DelayedValue<Value> {
  #current: Value
  #pending: { value: Value; atMs: number }[] = []

  constructor(initial: Value) {
    this.#current = initial
  }

  set(value: Value, nowMs: number, delayMs: number): void {
    if (delayMs <= 0) {
      this.#current = value
      this.#pending = []
      return
    }
    this.effective(nowMs)
    this.#pending.push({ value, atMs: nowMs + delayMs })
  }

  recorded(): Value {
    const last = this.#pending.at(-1)
    return last === undefined ? this.#current : last.value
  }

  effective(nowMs: number): Value {
    if (this.#pending.length > 0) {
      const due = this.#pending.findLastIndex((change) => change.atMs <= nowMs)
      const change = this.#pending[due]
      if (change !== undefined) {
        this.#current = change.value
        this.#pending = this.#pending.slice(due + 1)
      }
    }
    return this.#current
  }
}
