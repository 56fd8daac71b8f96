import type { Database } from '#db/database.ts'
import { recordUses } from './health-repository.ts'

/** Collects which targets were used, and writes it down now and then: not part of any request. */
export class LastUsed {
  readonly #db: Database
  readonly #now: () => Date
  #uses = new Map<string, { orgId: string; targetId: string; at: Date }>()

  constructor(db: Database, now: () => Date) {
    this.#db = db
    this.#now = now
  }

  note(target: { orgId: string; targetId: string }): void {
    this.#uses.set(target.targetId, { ...target, at: this.#now() })
  }

  async flush(): Promise<void> {
    const uses = this.#uses
    this.#uses = new Map()
    await recordUses(this.#db.kysely, [...uses.values()])
  }
}
