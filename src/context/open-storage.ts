import { createFirstOrganisation, type NewOrganisation } from '#access/create-organisation.ts'
import type { Config } from '#config/load-config.ts'
import type { Connection } from '#db/connection.ts'
import { openDatabase, type Database, type OpenDatabase } from '#db/database.ts'
import { startEmbeddedPostgres } from '#db/embedded-postgres.ts'
import { migrateToLatest } from '#db/migrate.ts'
import { lookupTimeoutMs } from '#db/token-lookups.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { ReceiptCommitter } from '#ledger/commit-receipts.ts'
import type { Logger } from '#telemetry/log.ts'
import { loadRingOf } from './root-secret.ts'

/** Everything that remembers: the database, the ring that vouches for its rows, and the ledger's fast lane. */
export type Storage = Readonly<{
  connection: Connection
  db: Database
  /** Where tokens are looked up, also those of strangers. */
  lookups: Database
  ring: SecretRing
  receipts: ReceiptCommitter
  /** The organisation that this start made on an empty database, with its token. */
  firstOrganisation: NewOrganisation | null
  outcomesLost: () => number
}>

/** Apart from the other connections, so that no management query keeps a receipt waiting. */
const receiptConnectionsMax = 4

/** Apart as well: what strangers make Hasp ask of a database that hangs takes no connection from the rest. */
const lookupConnectionsMax = 6

type Limits = Pick<OpenDatabase, 'statementTimeoutMs' | 'inUseMsMax'>

/** The connection goes first: whoever waits for a database that says nothing hears that it is away, and not of others. */
const lookupLimits: Limits = { inUseMsMax: lookupTimeoutMs - 500, statementTimeoutMs: lookupTimeoutMs }

/** Opens the operator's PostgreSQL, or starts Hasp's own, and brings its schema up to date. */
export async function openStorage(
  stack: AsyncDisposableStack,
  { config, log, now }: { config: Config; log: Logger; now: () => Date },
): Promise<Storage> {
  const connection = config.databaseUrl ?? (await embeddedConnection(stack, config, log))
  const open = (applicationName: string, poolMax: number, limits?: Limits) =>
    stack.use(
      openDatabase({
        connection,
        poolMax,
        applicationName,
        ...limits,
        onConnectionLost: (error) => log.warn({ err: error }, 'a database connection broke'),
      }),
    )
  const db = open('hasp', config.databasePoolMax)
  const migrations = await migrateToLatest(db)
  if (migrations.length > 0) log.info({ migrations }, 'database migrated')

  const ring = await loadRingOf(db, config)
  const firstOrganisation = await createFirstOrganisation({ db, ring, now })

  const lookups = open('hasp:lookups', lookupConnectionsMax, lookupLimits)

  let outcomesLost = 0
  const receipts = new ReceiptCommitter({
    pool: open('hasp:receipts', receiptConnectionsMax).pool,
    now,
    onOutcomesLost: (count, error) => {
      outcomesLost += count
      log.error({ err: error, count }, 'outcomes of calls could not be written')
    },
  })
  stack.use(receipts)
  return { connection, db, lookups, ring, receipts, firstOrganisation, outcomesLost: () => outcomesLost }
}

/** Hasp's own PostgreSQL, for whoever brings none. */
async function embeddedConnection(
  stack: AsyncDisposableStack,
  config: Config,
  log: Logger,
): Promise<Connection> {
  const postgres = await startEmbeddedPostgres({
    dataDir: config.dataDir,
    log: (message) => log.info(message),
  })
  return stack.use(postgres).connection
}
