import type { Pool, PoolClient } from 'pg'
import { closeIdle } from './close-idle.ts'

/**
 * Closes each connection of `pool` that is in use for longer than `inUseMsMax`: what it was asked then fails as by a
 * database that is away. By our own clock, which also runs where nothing comes back at all: of a connection that died in
 * silence (a firewall that forgot it, a server that vanished) TCP itself says so after many minutes. The idle ones are
 * closed with it, since they mostly died with it: the next query shall not wait for one of them.
 * @param onClosed told of each that was closed in use
 */
export function limitUse(pool: Pool, inUseMsMax: number, onClosed: (error: Error) => void): void {
  const timers = new WeakMap<PoolClient, NodeJS.Timeout>()
  pool.on('acquire', (client) => {
    const close = () => {
      // With a query under way this ends the connection at once, and waits for nobody.
      client.end().catch(() => {})
      closeIdle(pool)
      onClosed(new Error(`The database did not answer within ${inUseMsMax} ms.`))
    }
    timers.set(client, setTimeout(close, inUseMsMax))
  })
  pool.on('release', (_, client) => clearTimeout(timers.get(client)))
}
