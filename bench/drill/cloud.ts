import type { ManagementApi } from '../hasp/management-api.ts'

/** A key of a customer's own, and the customer's hand on it. */
type DrilledKey = Readonly<{
  /** Takes the key away by the cloud's own means; it acts `delayMs` later. */
  withdraw: (delayMs: number) => Promise<void>
  restore: () => Promise<void>
}>

/** An emulated cloud. */
export type Cloud = Readonly<{
  name: string
  /** What Hasp is started with. */
  env: Record<string, string>
  /** Makes a key, registers it as a KEK with these rules, and grants it; not yet verified. */
  newKey: (
    api: ManagementApi,
    rules: Record<string, unknown>,
  ) => Promise<{ kekId: string; drilled: DrilledKey }>
}>

/** The delay of effect is one setting of a whole emulator: one withdrawal at a time. */
export class OneAtATime {
  #last: Promise<unknown> = Promise.resolve()

  do<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => {})
    return done
  }
}
