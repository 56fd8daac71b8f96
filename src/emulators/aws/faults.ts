/** What goes wrong. `reset` loses the request, `reset-reply` only the answer: the call was carried out and logged. */
export type FaultEffect =
  | Readonly<{ type: 'error'; code: string; httpStatus?: number; message?: string }>
  | Readonly<{ type: 'reset' | 'reset-reply' | 'hang' | 'malformed-body' | 'wrong-key-id' }>
  | Readonly<{ type: 'patch-reply'; members: Readonly<Record<string, unknown>> }>

export type Fault = Readonly<{
  /** `Decrypt`, `AssumeRole`, … or `*`. */
  operation: string
  effect: FaultEffect
  /** How many calls it hits; 1 when absent. */
  times?: number | undefined
}>

type ArmedFault = { fault: Fault; left: number }

/** Faults to come and latency to add, by operation. */
export class Faults {
  #armed: ArmedFault[] = []
  readonly #latencyMs = new Map<string, number>()

  inject(fault: Fault): void {
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

  latencyMs(operation: string): number {
    return this.#latencyMs.size === 0 ? 0 : (this.#latencyMs.get(operation) ?? this.#latencyMs.get('*') ?? 0)
  }

  /** The oldest fault armed for the operation; taking it uses it up by one. */
  take(operation: string): FaultEffect | undefined {
    const armed = this.#armed.find(({ fault }) => fault.operation === operation || fault.operation === '*')
    if (armed === undefined) return undefined
    armed.left--
    if (armed.left <= 0) this.#armed = this.#armed.filter((other) => other !== armed)
    return armed.fault.effect
  }
}
