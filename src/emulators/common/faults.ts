export type Fault<Effect> = Readonly<{
  /** `Decrypt`, `AssumeRole`, … or `*`. */
  operation: string
  effect: Effect
  /** How many calls it hits; 1 when absent. */
  times?: number | undefined
}>

type ArmedFault<Effect> = { fault: Fault<Effect>; left: number }

/** Faults to come and latency to add, by operation. */
export class Faults<Effect> {
  #armed: ArmedFault<Effect>[] = []
  readonly #latencyMs = new Map<string, number>()

  inject(fault: Fault<Effect>): void {
    this.#armed.push({ fault, left: fault.times ?? 1 })
  }

  clear(): void {
    this.#armed = []
    this.#latencyMs.clear()
  }

  setLatency(operation: string, latencyMs: number): void {
    if (latencyMs > 0) this.#latencyMs.set(operation, latencyMs)
    else this.#latencyMs.delete(operation)
  }

  /** Of the operation itself or, unless `exact`, what `*` says. */
  latencyMs(operation: string, match: 'or-all' | 'exact' = 'or-all'): number {
    if (this.#latencyMs.size === 0) return 0
    const forAll = match === 'exact' ? undefined : this.#latencyMs.get('*')
    return this.#latencyMs.get(operation) ?? forAll ?? 0
  }

  /** The oldest fault armed for the operation; taking it uses it up by one. */
  take(operation: string): Effect | undefined {
    const armed = this.#armed.find(({ fault }) => fault.operation === operation || fault.operation === '*')
    if (armed === undefined) return undefined
    armed.left--
    if (armed.left <= 0) this.#armed = this.#armed.filter((other) => other !== armed)
    return armed.fault.effect
  }
}
