import type { NewOrganisation } from '#access/create-organisation.ts'
import type { Config } from '#config/load-config.ts'
import type { Database } from '#db/database.ts'
import { isDatabaseAway } from '#db/is-database-away.ts'
import type { ApiServer } from '#http/api-server.ts'
import { ReadBuffers } from '#http/read-buffers.ts'
import { buildServer } from '#http/server.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import type { AwsDeployment } from '#kms/aws/aws-clients.ts'
import type { AzureDeployment } from '#kms/azure/azure-clients.ts'
import type { Logger } from '#telemetry/log.ts'
import { createMetrics } from '#telemetry/metrics.ts'
import { buildCustody } from './context/build-custody.ts'
import { buildDrills } from './context/build-drills.ts'
import { buildJobs } from './context/build-jobs.ts'
import { buildLending } from './context/build-lending.ts'
import { hearChanges } from './context/hear-changes.ts'
import { openStorage } from './context/open-storage.ts'
import { overwriteKmsReplies } from './context/overwrite-kms-replies.ts'
import { startBackgroundWork } from './context/start-background-work.ts'
import { stopServing } from './context/stop-serving.ts'

/** What differs between a deployment and a test, beside the configuration. */
export type ContextOptions = Readonly<{
  config: Config
  log: Logger
  version: string
  aws?: Partial<AwsDeployment>
  azure?: AzureDeployment
  /** Certificate authorities of upstreams, in place of the system's. */
  upstreamCa?: string
  now?: () => Date
}>

/** A running Hasp, not yet listening; disposing of it drains and stops everything in order. */
export type Context = AsyncDisposable &
  Readonly<{
    server: ApiServer
    /** The organisation that this start made on an empty database, with its token. */
    firstOrganisation: NewOrganisation | null
    database: Database
    ring: SecretRing
  }>

/** Builds every service of Hasp, each with what it needs; this file and its folder alone know them all. */
export async function createContext(options: ContextOptions): Promise<Context> {
  const { config, log } = options
  const now = options.now ?? (() => new Date())
  const onUnexpected = (error: unknown, requestId?: string) =>
    log.error({ err: error, requestId }, 'unexpected failure')
  const stopping = new AbortController()
  const common = { ...options, now, onUnexpected, stopping: stopping.signal }
  await using stack = new AsyncDisposableStack()

  const readBuffers = stack.use(new ReadBuffers())
  overwriteKmsReplies(stack, readBuffers)
  const storage = await openStorage(stack, common)
  const custody = buildCustody(stack, storage, common)
  const lending = buildLending(stack, storage, custody, common)
  const drills = buildDrills(stack, storage, custody, common)
  const { lifecycleJobs, startWorking } = await buildJobs(stack, storage, custody, common)
  const listener = hearChanges(stack, storage, custody, lending, log)
  const { db, lookups, ring, receipts, firstOrganisation } = storage
  const { calls, kekAccessKinds, kekProviders, unwrapper } = custody
  const { proxy, targets, onTampered } = lending

  const metrics = createMetrics({
    proxy: proxy.stats,
    callsInFlight: () => calls.count,
    bodyBytesHeld: () => proxy.bodies.heldBytes,
    outcomesLost: storage.outcomesLost,
    databaseConnections: () => {
      const { totalCount, idleCount, waitingCount } = db.pool
      return { total: totalCount, idle: idleCount, waiting: waitingCount }
    },
  })
  const server = await buildServer({
    api: {
      db,
      lookups,
      ring,
      now,
      kekAccessKinds,
      kekProviders,
      journal: receipts,
      unwrapper,
      drills,
      targets,
      onTampered,
      lifecycleJobs,
      publicUrl: config.publicUrl,
      reverifyIntervalMs: config.reverifyIntervalMs,
    },
    proxy,
    service: {
      notReady: async () => [
        ...(stopping.signal.aborted ? ['this node is stopping'] : []),
        ...(listener.isConnected ? [] : ['not listening for changes made on other nodes']),
        ...((await answers(db)) ? [] : ['the database does not answer']),
      ],
      scrape: async () => ({ text: await metrics.metrics(), contentType: metrics.contentType }),
    },
    readBuffers,
    isDatabaseAway,
    onUnexpected,
    version: options.version,
  })
  startBackgroundWork(stack, storage, custody, lending, common)
  await startWorking()
  stack.defer(async () => {
    stopping.abort()
    const callsCut = await stopServing(server, calls, config.drainTimeoutMs)
    if (callsCut > 0) log.warn({ callsCut }, 'calls under way were cut at the end of the drain time')
  })

  const owned = stack.move()
  return { server, firstOrganisation, database: db, ring, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

async function answers(db: Database): Promise<boolean> {
  return db.pool.query('SELECT 1').then(
    () => true,
    () => false,
  )
}
