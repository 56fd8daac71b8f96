import { join } from 'node:path'
import { createFirstOrganisation, type NewOrganisation } from '#access/create-organisation.ts'
import { readEpoch } from '#access/repository.ts'
import { VirtualKeyDirectory } from '#access/virtual-key-directory.ts'
import type { Config } from '#config/load-config.ts'
import { openDatabase, type Database } from '#db/database.ts'
import { startEmbeddedPostgres } from '#db/embedded-postgres.ts'
import { newId } from '#db/ids.ts'
import { migrateToLatest } from '#db/migrate.ts'
import { listen } from '#db/notifications.ts'
import type { ApiServer } from '#http/api-server.ts'
import { buildServer } from '#http/server.ts'
import { deleteExpiredIdempotencyRecords } from '#idempotency/repository.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import type { KekAccessKind } from '#keks/access.ts'
import { runDueProbes } from '#keks/probe.ts'
import { findKek, findKeksOfOrg, findUnusableKeks } from '#keks/repository.ts'
import { suspendKek } from '#keks/suspend.ts'
import { RecordUnwrapper } from '#keks/unwrap-record.ts'
import { AwsClients, type AwsDeployment } from '#kms/aws/aws-clients.ts'
import { changesChannel, parseChangeNotice } from '#ledger/record-change.ts'
import { ReceiptCommitter } from '#ledger/commit-receipts.ts'
import { CallsInFlight } from '#proxy/calls-in-flight.ts'
import type { ProxyDeps } from '#proxy/deps.ts'
import { ProxyStats } from '#proxy/proxy-stats.ts'
import { BodyBudget } from '#proxy/read-body.ts'
import { callProvider } from '#proxy/upstream/call-provider.ts'
import { UpstreamTransport } from '#proxy/upstream/upstream-transport.ts'
import { findProvider, providers } from '#providers/providers.ts'
import type { TargetDeps } from '#targets/deps.ts'
import { LastUsed } from '#targets/last-used.ts'
import { noteRejection } from '#targets/note-rejection.ts'
import { OrganisationViews } from '#targets/organisation-view.ts'
import type { Logger } from '#telemetry/log.ts'
import { createMetrics } from '#telemetry/metrics.ts'
import { awsKekAccess } from './context/aws-kek-access.ts'
import { localKekAccess } from './context/local-kek-access.ts'
import { openKekProviders } from './context/open-kek-providers.ts'
import { loadSecretRing } from './context/root-secret.ts'
import { runPeriodically } from './context/run-periodically.ts'

/** What differs between a deployment and a test, beside the configuration. */
export type ContextOptions = Readonly<{
  config: Config
  log: Logger
  version: string
  aws?: Partial<AwsDeployment>
  /** Certificate authorities of upstreams, beside the system's. */
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

const probePollMs = 1_000
const lastUsedFlushMs = 5_000
const idempotencySweepMs = 3_600_000
const idempotencyKeptMs = 86_400_000

/** Builds every service of Hasp, each with what it needs; the only place that knows them all. */
export async function createContext(options: ContextOptions): Promise<Context> {
  const { config, log } = options
  const now = options.now ?? (() => new Date())
  await using stack = new AsyncDisposableStack()

  const connection = config.databaseUrl ?? (await embeddedConnection(stack, config, log))
  const onIdleError = (error: Error) => log.warn({ err: error }, 'a database connection broke')
  const db = stack.use(
    openDatabase({ connection, poolMax: config.databasePoolMax, applicationName: 'hasp', onIdleError }),
  )
  const receiptsDb = stack.use(
    openDatabase({ connection, poolMax: 4, applicationName: 'hasp:receipts', onIdleError }),
  )
  const migrated = await migrateToLatest(db)
  if (migrated.length > 0) log.info({ migrations: migrated }, 'database migrated')

  const ring = await loadSecretRing(config)
  const firstOrganisation = await createFirstOrganisation({ db, ring, now })

  let outcomesLost = 0
  const receipts = stack.use(
    new ReceiptCommitter({
      pool: receiptsDb.pool,
      onOutcomesLost: (count, error) => {
        outcomesLost += count
        log.error({ err: error, count }, 'outcomes of calls could not be written')
      },
    }),
  )

  const aws = stack.use(new AwsClients({ ...awsEndpoints(config), ...options.aws }))
  const localKekDirectory = join(config.dataDir, 'keks')
  const kekProviders = openKekProviders({ aws, localKekDirectory })
  const kekAccessKinds = new Map<string, KekAccessKind>([['aws', awsKekAccess(config.awsPrincipalArn)]])
  if (config.nodeEnv !== 'production' || config.allowLocalKek) {
    kekAccessKinds.set('local', localKekAccess(localKekDirectory))
  }

  const calls = new CallsInFlight(config.streamsMax)
  const onKekGone = (kekId: string) => {
    unwrapper.purge(kekId)
    const cut = calls.cutKek(kekId)
    log.warn({ kekId, streamsCut: cut }, 'KEK suspended: its customer’s KMS refuses it')
  }
  const unwrapper = new RecordUnwrapper({
    providers: kekProviders,
    journal: receipts,
    newUnwrapId: newId,
    monotonicMs: () => performance.now(),
    now,
    onRevoked: async (kek, fault) => {
      await suspendKek({ db, ring, now }, kek, fault, 'proxy')
      onKekGone(kek.id)
    },
  })

  const allowedOrigins = new Set(config.allowedUpstreams)
  const transport = stack.use(
    new UpstreamTransport({
      allowedOrigins,
      connectionsMax: config.streamsMax,
      ...(options.upstreamCa === undefined ? {} : { ca: options.upstreamCa }),
    }),
  )
  const targets: TargetDeps = {
    db,
    ring,
    findKek,
    readEpoch,
    kekProviders,
    findProvider,
    providerNames: providers.map((provider) => provider.name),
    caller: {
      call: ({ credential: { secret, ...header }, ...request }) =>
        callProvider(transport, {
          ...request,
          credential: {
            ...header,
            lengthMax: secret.length,
            openInto: (out, offset) => secret.unsafeBytes().copy(out, offset),
          },
        }),
    },
    allowedOrigins,
    now,
  }

  const virtualKeys = new VirtualKeyDirectory({ db, ring, now })
  const views = new OrganisationViews({
    db,
    ring,
    readEpoch,
    findKeksOfOrg,
    onTampered: (what) => log.error(what, 'a stored record was tampered with, and is not used'),
  })
  const listener = stack.use(
    listen({
      connection,
      channel: changesChannel,
      applicationName: 'hasp:listener',
      onMessage: (payload) => {
        const notice = parseChangeNotice(payload)
        if (notice === null) return
        views.forget(notice.orgId)
        if (notice.kekId === null || !notice.kind.startsWith('kek.')) return
        if (notice.kind === 'kek.suspended') onKekGone(notice.kekId)
        else unwrapper.purge(notice.kekId)
      },
      // Notices may have been lost: nothing in hand is trusted, and calls whose KEK went meanwhile are cut.
      onGap: () => {
        views.forgetAll()
        unwrapper.purgeAll()
        void findUnusableKeks(db.kysely, calls.kekIds())
          .then((kekIds) => kekIds.forEach((kekId) => onKekGone(kekId)))
          .catch((error: unknown) => log.error({ err: error }, 'the state of KEKs could not be read anew'))
      },
    }),
  )

  const stats = new ProxyStats()
  const lastUsed = new LastUsed(db, now)
  const bodies = new BodyBudget({
    bodyBytesMax: config.bodyBytesMax,
    inFlightBytesMax: config.bodyBytesInFlightMax,
    timeoutMs: 120_000,
  })
  const onUnexpected = (error: unknown, requestId?: string) =>
    log.error({ err: error, requestId }, 'unexpected failure')
  const proxy: ProxyDeps = {
    virtualKeys,
    views,
    unwrapper,
    receipts,
    transport,
    bodies,
    calls,
    stats,
    newReceiptId: newId,
    now,
    upstreamHeadersTimeoutMs: config.upstreamHeadersTimeoutMs,
    upstreamIdleTimeoutMs: config.upstreamIdleTimeoutMs,
    onCredentialRejected: (rejected) => {
      log.warn(rejected, 'a provider refuses a credential')
      void noteRejection({ db, now }, rejected).catch(onUnexpected)
    },
    onTargetUsed: (target) => lastUsed.note(target),
    onUnexpected,
  }

  const metrics = createMetrics({
    proxy: stats,
    callsInFlight: () => calls.count,
    bodyBytesHeld: () => bodies.heldBytes,
    outcomesLost: () => outcomesLost,
    databaseConnections: () => ({
      total: db.pool.totalCount,
      idle: db.pool.idleCount,
      waiting: db.pool.waitingCount,
    }),
  })
  let isStopping = false
  const server = await buildServer({
    api: { db, ring, now, kekAccessKinds, kekProviders, journal: receipts, unwrapper, targets },
    proxy,
    service: {
      notReady: async () => [
        ...(isStopping ? ['this node is stopping'] : []),
        ...(listener.isConnected ? [] : ['not listening for changes made on other nodes']),
        ...(await db.pool.query('SELECT 1').then(
          () => [],
          () => ['the database does not answer'],
        )),
      ],
      scrape: async () => ({ text: await metrics.metrics(), contentType: metrics.contentType }),
    },
    onUnexpected,
    version: options.version,
  })

  stack.use(
    runPeriodically(
      Math.min(probePollMs, config.suspendedProbeIntervalMs),
      () =>
        runDueProbes({
          db,
          ring,
          providers: kekProviders,
          journal: receipts,
          now,
          suspendedProbeIntervalMs: config.suspendedProbeIntervalMs,
          onError: (error, kekId) => log.error({ err: error, kekId }, 'a probe failed'),
        }),
      onUnexpected,
    ),
  )
  stack.use(runPeriodically(lastUsedFlushMs, () => lastUsed.flush(), onUnexpected))
  stack.use(
    runPeriodically(
      idempotencySweepMs,
      () => deleteExpiredIdempotencyRecords(db.kysely, new Date(now().getTime() - idempotencyKeptMs)),
      onUnexpected,
    ),
  )
  stack.defer(() => lastUsed.flush())
  stack.defer(async () => {
    isStopping = true
    const closed = server.close()
    const cut = await calls.drain(config.drainTimeoutMs)
    if (cut > 0) log.warn({ callsCut: cut }, 'calls under way were cut at the end of the drain time')
    await closed
  })

  const owned = stack.move()
  return { server, firstOrganisation, database: db, ring, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Hasp's own PostgreSQL, for whoever brings none. */
async function embeddedConnection(stack: AsyncDisposableStack, config: Config, log: Logger) {
  const postgres = stack.use(
    await startEmbeddedPostgres({ dataDir: config.dataDir, log: (message) => log.info(message) }),
  )
  return postgres.connection
}

function awsEndpoints({ awsKmsEndpoint, awsStsEndpoint }: Config): Partial<AwsDeployment> {
  return {
    ...(awsKmsEndpoint === undefined ? {} : { kmsEndpoint: () => awsKmsEndpoint }),
    ...(awsStsEndpoint === undefined ? {} : { stsEndpoint: () => awsStsEndpoint }),
  }
}
