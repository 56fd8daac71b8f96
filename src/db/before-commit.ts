import type { Db } from './database.ts'

/**
 * The last step of a change's transaction, told what came of the change: what it writes commits with the change or not
 * at all, and what it throws undoes the change. Not called where there was nothing to change.
 */
export type BeforeCommit<Outcome> = (trx: Db, outcome: Outcome) => Promise<void>
