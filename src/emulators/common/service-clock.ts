/**
 * The emulated cloud's own time: sessions and tokens expire, changes take effect and keys are deleted by it. It can be moved
 * ahead without waiting. What clients sign or date themselves is not checked by it but by the machine's clock, so that
 * moving it does not make every client's clock look wrong.
 */
export class ServiceClock {
  readonly #now: () => number
  #offsetMs = 0

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  nowMs(): number {
    return this.#now() + this.#offsetMs
  }

  advance(ms: number): void {
    this.#offsetMs += ms
  }
}
