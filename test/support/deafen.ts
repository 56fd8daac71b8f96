import type { Pool } from 'pg'
import { inject } from 'vitest'
import { waitUntil } from './data-dir.ts'
import { runStatement } from './database-admin.ts'

/** Server processes of the connections that nodes listen for changes on. */
export async function listenersOf(pool: Pool): Promise<number[]> {
  const { rows } = await pool.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity
     WHERE application_name = 'hasp:listener' AND datname = current_database()
       AND (query LIKE 'LISTEN%' OR query = 'SELECT 1')`,
  )
  return rows.map((row) => row.pid)
}

/**
 * Ends connections that nodes listen on, and keeps them from coming back until `hear` is called: whatever is told
 * meanwhile is lost. Connections that are there for other work stay.
 */
export async function deafen(pool: Pool, pids: readonly number[]): Promise<{ hear: () => Promise<void> }> {
  await setConnectable(pool, false)
  for (const pid of pids) await pool.query('SELECT pg_terminate_backend($1)', [pid])
  await waitUntil(async () => !(await listenersOf(pool)).some((pid) => pids.includes(pid)))
  return { hear: () => setConnectable(pool, true) }
}

async function setConnectable(pool: Pool, isConnectable: boolean): Promise<void> {
  const { rows } = await pool.query<{ name: string }>('SELECT current_database() AS name')
  const statement = `ALTER DATABASE ${rows[0]?.name} ALLOW_CONNECTIONS ${isConnectable}`
  await runStatement(inject('postgres').admin, statement)
}
