// Run as a process of its own by embedded-postgres.test.ts: starts a server, says so, and waits to be killed.
import { startEmbeddedPostgres } from '#db/embedded-postgres.ts'

const server = await startEmbeddedPostgres({ dataDir: process.argv[2] ?? '' })
process.stdout.write(`${JSON.stringify(server.connection)}\n`)
setInterval(() => {}, 60_000)
