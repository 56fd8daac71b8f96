import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '#db/database.ts'

/** Resolves when so many of this database's connections wait for a lock. */
export async function untilWaiting({ pool }: Pick<Database, 'pool'>, count = 1): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    const { rows } = await pool.query<{ waiting: number }>(
      `SELECT count(*)::int AS waiting FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    )
    if ((rows[0]?.waiting ?? 0) >= count) return
    await sleep(10)
  }
  throw new Error('Nobody waits for a lock.')
}
