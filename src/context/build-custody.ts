import { join } from 'node:path'
import type { Config } from '#config/load-config.ts'
import { newId } from '#db/ids.ts'
import type { KekAccessKind, KekProviders } from '#keks/access.ts'
import { SecondReadings } from '#keks/confirm-revocation.ts'
import { suspendKek } from '#keks/suspend.ts'
import { RecordUnwrapper } from '#keks/unwrap-record.ts'
import { AwsClients, type AwsDeployment } from '#kms/aws/aws-clients.ts'
import { GcpClients } from '#kms/gcp/gcp-clients.ts'
import { AzureClients, type AzureDeployment } from '#kms/azure/azure-clients.ts'
import { CallsInFlight } from '#proxy/calls-in-flight.ts'
import type { Logger } from '#telemetry/log.ts'
import { awsKekAccess } from './aws-kek-access.ts'
import { azureDeployment, azureKekAccess } from './azure-kek-access.ts'
import { gcpDeployment, gcpKekAccess } from './gcp-kek-access.ts'
import { localKekAccess } from './local-kek-access.ts'
import { openKekProviders } from './open-kek-providers.ts'
import type { Storage } from './open-storage.ts'

/** The way to the customers' KMSs, and what depends on it from moment to moment. */
export type Custody = Readonly<{
  kekAccessKinds: ReadonlyMap<string, KekAccessKind>
  kekProviders: KekProviders
  unwrapper: RecordUnwrapper
  calls: CallsInFlight
  /** A KEK may no longer be used: forget what it opened, and cut what runs on it. */
  onKekGone: (kekId: string) => void
}>

/** Within so long, one node hears of one suspension from several sides. */
const sameSuspensionMs = 5_000

export function buildCustody(
  stack: AsyncDisposableStack,
  storage: Storage,
  options: {
    config: Config
    log: Logger
    now: () => Date
    aws?: Partial<AwsDeployment> | undefined
    azure?: AzureDeployment | undefined
  },
): Custody {
  const { config, log, now } = options
  const { db, ring, receipts } = storage
  const aws = stack.use(new AwsClients({ ...awsEndpoints(config), ...options.aws }))
  const gcp = stack.use(new GcpClients(gcpDeployment(config)))
  if (config.gcpServiceAccount !== undefined) {
    void gcp.preload().catch((error: unknown) => log.error({ err: error }, 'the Google SDK cannot be loaded'))
  }
  const azure = stack.use(new AzureClients({ ...azureDeployment(config), ...options.azure }))
  const localKekDirectory = join(config.dataDir, 'keks')
  const isLocalAllowed = config.nodeEnv !== 'production' || config.allowLocalKek
  const kekProviders = openKekProviders({ aws, azure, gcp, localKekDirectory, isLocalAllowed })
  const kekAccessKinds = new Map<string, KekAccessKind>([
    ['aws', awsKekAccess(config.awsPrincipalArn, aws)],
    ['gcp', gcpKekAccess({ email: config.gcpServiceAccount, uniqueId: config.gcpServiceAccountId }, gcp)],
    ['azure', azureKekAccess(azure)],
    ['local', localKekAccess(localKekDirectory, isLocalAllowed)],
  ])

  const secondReadings = new SecondReadings({ providers: kekProviders, journal: receipts })
  const calls = new CallsInFlight(config.streamsMax)
  const unwrapper = new RecordUnwrapper({
    providers: kekProviders,
    journal: receipts,
    newUnwrapId: newId,
    monotonicMs: () => performance.now(),
    now,
    // Refuse first, here and now; then write it down for every node. A database that is away must not turn a
    // revocation into anything milder.
    onRevoked: async (kek, fault) => {
      unwrapper.purge(kek.id)
      const reading = await secondReadings.of(kek, fault).catch((error: unknown) => {
        log.error({ err: error, kekId: kek.id }, 'a KEK could not be read a second time')
        return 'open' as const
      })
      if (reading !== 'confirmed') {
        log.warn(
          { kekId: kek.id, code: fault.code, reading },
          'a KMS refused one unwrap; the KEK stays active',
        )
        return
      }
      onKekGone(kek.id)
      await suspendKek({ db, ring, now }, kek, fault, 'proxy').catch((error: unknown) => {
        log.error({ err: error, kekId: kek.id }, 'the suspension of a KEK could not be written down')
      })
    },
  })
  const warnedAtMs = new Map<string, number>()
  const onKekGone = (kekId: string) => {
    unwrapper.revoke(kekId)
    const callsCut = calls.cutKek(kekId)
    // The notice of what this node itself wrote down comes back to it, and is no news.
    const nowMs = performance.now()
    const isNews = nowMs - (warnedAtMs.get(kekId) ?? -Infinity) > sameSuspensionMs
    if (!isNews && callsCut === 0) return
    warnedAtMs.set(kekId, nowMs)
    log.warn({ kekId, callsCut }, 'a KEK may no longer be used')
  }
  return { kekAccessKinds, kekProviders, unwrapper, calls, onKekGone }
}

function awsEndpoints({ awsKmsEndpoint, awsStsEndpoint }: Config): Partial<AwsDeployment> {
  return {
    ...(awsKmsEndpoint === undefined ? {} : { kmsEndpoint: () => awsKmsEndpoint }),
    ...(awsStsEndpoint === undefined ? {} : { stsEndpoint: () => awsStsEndpoint }),
  }
}
