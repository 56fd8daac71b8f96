import { join } from 'node:path'
import type { Config } from '#config/load-config.ts'
import { newId } from '#db/ids.ts'
import type { KekAccessKind, KekProviders } from '#keks/access.ts'
import { suspendKek } from '#keks/suspend.ts'
import { RecordUnwrapper } from '#keks/unwrap-record.ts'
import { AwsClients, type AwsDeployment } from '#kms/aws/aws-clients.ts'
import { CallsInFlight } from '#proxy/calls-in-flight.ts'
import type { Logger } from '#telemetry/log.ts'
import { awsKekAccess } from './aws-kek-access.ts'
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

export function buildCustody(
  stack: AsyncDisposableStack,
  storage: Storage,
  options: { config: Config; log: Logger; now: () => Date; aws?: Partial<AwsDeployment> | undefined },
): Custody {
  const { config, log, now } = options
  const { db, ring, receipts } = storage
  const aws = stack.use(new AwsClients({ ...awsEndpoints(config), ...options.aws }))
  const localKekDirectory = join(config.dataDir, 'keks')
  const isLocalAllowed = config.nodeEnv !== 'production' || config.allowLocalKek
  const kekProviders = openKekProviders({ aws, localKekDirectory, isLocalAllowed })
  const kekAccessKinds = new Map<string, KekAccessKind>([
    ['aws', awsKekAccess(config.awsPrincipalArn)],
    ['local', localKekAccess(localKekDirectory, isLocalAllowed)],
  ])

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
      onKekGone(kek.id)
      await suspendKek({ db, ring, now }, kek, fault, 'proxy').catch((error: unknown) => {
        log.error({ err: error, kekId: kek.id }, 'the suspension of a KEK could not be written down')
      })
    },
  })
  const onKekGone = (kekId: string) => {
    unwrapper.revoke(kekId)
    const callsCut = calls.cutKek(kekId)
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
