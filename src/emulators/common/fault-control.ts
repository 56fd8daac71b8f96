import type { Fault, Faults } from './faults.ts'
import type { ServiceClock } from './service-clock.ts'

type Deps<Effect> = Readonly<{ faults: Faults<Effect>; clock: ServiceClock }>

/** The part of every emulator's control that makes its cloud fail, slow down and grow older. */
export class FaultControl<Effect> {
  readonly #deps: Deps<Effect>

  constructor(deps: Deps<Effect>) {
    this.#deps = deps
  }

  injectFault(fault: Fault<Effect>): void {
    this.#deps.faults.inject(fault)
  }

  /** Removes all faults and latencies. */
  clearFaults(): void {
    this.#deps.faults.clear()
  }

  /** For one operation or `*`; 0 takes it away. */
  setLatency({ latencyMs, operation }: Readonly<{ operation: string; latencyMs: number }>): void {
    this.#deps.faults.setLatency(operation, latencyMs)
  }

  /** Moves the service's time: sessions, tokens, delays of effect, dates. What clients sign stays on the machine's clock. */
  advanceClock({ ms }: Readonly<{ ms: number }>): { nowMs: number } {
    this.#deps.clock.advance(ms)
    return { nowMs: this.#deps.clock.nowMs() }
  }
}
