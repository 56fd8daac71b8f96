import type { ConnectionParameters } from '#db/connection.ts'
import { startEmbeddedPostgres } from '#db/embedded-postgres.ts'

/** How the superuser reaches the PostgreSQL that a Hasp runs in its data directory at this moment. */
export async function superuserOf(dataDir: string): Promise<ConnectionParameters> {
  await using postgres = await startEmbeddedPostgres({ dataDir })
  return { ...postgres.superuser, database: postgres.connection.database }
}
