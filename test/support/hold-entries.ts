import type { Pool } from 'pg'
import { waitUntil } from './data-dir.ts'

const holdLock = 4700

/**
 * Stops entries of one kind on their way to the disk, after their epoch was checked, until `release`. A node writes one
 * batch at a time, so that whatever else it has to write waits behind them.
 */
export async function holdEntries(
  pool: Pool,
  kind: 'receipt.opened' | 'kek.updated',
): Promise<AsyncDisposable & { reached: () => Promise<unknown>; release: () => Promise<unknown> }> {
  await pool.query(`
    CREATE FUNCTION hold_entry() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_advisory_xact_lock_shared(${holdLock}); RETURN NEW; END $$;
    CREATE TRIGGER hold_entry BEFORE INSERT ON ledger_entries FOR EACH ROW
    WHEN (NEW.kind = '${kind}') EXECUTE FUNCTION hold_entry()`)
  const holder = await pool.connect()
  await holder.query(`SELECT pg_advisory_lock(${holdLock})`)
  const waiting = `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = ${holdLock} AND NOT granted`
  const release = () => holder.query(`SELECT pg_advisory_unlock_all()`)
  return {
    reached: () => waitUntil(async () => (await pool.query(waiting)).rowCount === 1),
    release,
    async [Symbol.asyncDispose]() {
      await release()
      holder.release()
      await pool.query('DROP TRIGGER hold_entry ON ledger_entries; DROP FUNCTION hold_entry()')
    },
  }
}
