/**
 * The emulated cloud's own time: sessions expire, changes take effect and keys are deleted by it. It can be moved
 * ahead without waiting. Signature dates are not checked by it but by the machine's clock, so that moving it does
 * not make every client's clock look wrong.
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

/** `20260131T235959Z`, as signatures and their error messages write it. */
export function amzDate(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, '')
}

/** `2026-01-31T23:59:59Z`: CloudTrail and STS give whole seconds. */
export function isoSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}
