import { readEpoch } from '#access/organisation-repository.ts'
import { VirtualKeyDirectory } from '#access/virtual-key-directory.ts'
import type { Config } from '#config/load-config.ts'
import { newId } from '#db/ids.ts'
import { isDatabaseAway } from '#db/is-database-away.ts'
import { findKek, findKeksOfOrg } from '#keks/repository.ts'
import type { ProxyDeps } from '#proxy/deps.ts'
import { OrganisationShares } from '#proxy/organisation-shares.ts'
import { ProxyStats } from '#proxy/proxy-stats.ts'
import { BodyBudget } from '#proxy/read-body.ts'
import { callProvider } from '#proxy/upstream/call-provider.ts'
import { UpstreamTransport } from '#proxy/upstream/upstream-transport.ts'
import { findProvider, providers } from '#providers/providers.ts'
import type { TargetDeps } from '#targets/deps.ts'
import { LastUsed } from '#targets/last-used.ts'
import { RejectionNotes } from '#targets/note-rejection.ts'
import { OrganisationViews } from '#targets/organisation-view.ts'
import type { ProviderCaller } from '#targets/validate-credential.ts'
import type { Logger } from '#telemetry/log.ts'
import type { Custody } from './build-custody.ts'
import { logRefusals } from './log-refusals.ts'
import type { Storage } from './open-storage.ts'

/** What stores credentials, and what lends them. */
export type Lending = Readonly<{
  targets: TargetDeps
  views: OrganisationViews
  virtualKeys: VirtualKeyDirectory
  lastUsed: LastUsed
  proxy: ProxyDeps
  /** A stored record is not as this service wrote it: somebody must hear of it. */
  onTampered: (what: object) => void
}>

/** How long a request's body may take to arrive. */
const bodyTimeoutMs = 120_000

export function buildLending(
  stack: AsyncDisposableStack,
  { db, lookups, ring, receipts }: Storage,
  { kekProviders, unwrapper, calls }: Custody,
  options: {
    config: Config
    log: Logger
    now: () => Date
    upstreamCa?: string | undefined
    stopping: AbortSignal
    onUnexpected: (error: unknown, requestId?: string) => void
  },
): Lending {
  const { config, log, now, onUnexpected } = options
  const allowedOrigins = new Set(config.allowedUpstreams)
  const transport = stack.use(
    new UpstreamTransport({
      allowedOrigins,
      connectionsMax: config.streamsMax,
      ...(options.upstreamCa === undefined ? {} : { ca: options.upstreamCa }),
    }),
  )
  const onTampered = (what: object) => log.error(what, 'a stored record was tampered with, and is not used')
  const virtualKeys = new VirtualKeyDirectory({ db: lookups, ring, now, onTampered })
  const lastUsed = new LastUsed(db, now)
  const rejections = new RejectionNotes({ db, now })
  const views = new OrganisationViews({
    db,
    ring,
    readEpoch,
    findKeksOfOrg,
    onTampered,
  })
  const targets: TargetDeps = {
    db,
    ring,
    findKek,
    readEpoch,
    kekProviders,
    findProvider,
    providerNames: providers.map((provider) => provider.name),
    caller: callerOver(transport),
    allowedOrigins,
    now,
  }
  const proxy: ProxyDeps = {
    virtualKeys,
    views,
    unwrapper,
    receipts,
    transport,
    calls,
    shares: new OrganisationShares({
      sharePercent: config.organisationShare,
      callsMax: config.streamsMax,
      inFlightBytesMax: config.bodyBytesInFlightMax,
      bodyBytesMax: config.bodyBytesMax,
    }),
    bodies: new BodyBudget({
      bodyBytesMax: config.bodyBytesMax,
      inFlightBytesMax: config.bodyBytesInFlightMax,
      timeoutMs: bodyTimeoutMs,
    }),
    stats: new ProxyStats(),
    stopping: options.stopping,
    newReceiptId: newId,
    now,
    upstreamHeadersTimeoutMs: config.upstreamHeadersTimeoutMs,
    upstreamIdleTimeoutMs: config.upstreamIdleTimeoutMs,
    onCredentialRejected: (rejected) => {
      log.warn(rejected, 'a provider refuses a credential')
      void rejections.note(rejected).catch(onUnexpected)
    },
    onTargetUsed: (target) => lastUsed.note(target),
    isDatabaseAway,
    onRefused: logRefusals(log),
    onUnexpected,
  }
  return { targets, views, virtualKeys, lastUsed, proxy, onTampered }
}

/** The check of a credential goes over the transport that never makes a string of one. */
function callerOver(transport: UpstreamTransport): ProviderCaller {
  return {
    call: ({ credential: { secret, ...header }, ...request }) =>
      callProvider(transport, {
        ...request,
        credential: {
          ...header,
          lengthMax: secret.length,
          openInto: (out, offset) => secret.unsafeBytes().copy(out, offset),
        },
      }),
  }
}
