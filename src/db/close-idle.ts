import type { Pool } from 'pg'

/** Closes the connections of `pool` that nobody uses: it hands them out first, and at once. */
export function closeIdle(pool: Pool): void {
  for (let idle = pool.idleCount; idle > 0; idle -= 1) {
    pool.connect().then(
      (client) => client.release(true),
      () => {},
    )
  }
}
