import { readEpoch } from '#access/organisation-repository.ts'
import { DrillRunner } from '#keks/drill/run.ts'
import type { Logger } from '#telemetry/log.ts'
import type { Custody } from './build-custody.ts'
import type { Storage } from './open-storage.ts'

/** This node's part in revocation drills: their canaries go the way of proxied calls. */
export function buildDrills(
  stack: AsyncDisposableStack,
  { db, ring }: Storage,
  { unwrapper }: Custody,
  { log, now }: { log: Logger; now: () => Date },
): DrillRunner {
  return stack.use(
    new DrillRunner({
      db,
      ring,
      unwrapper,
      readEpoch,
      now,
      onError: (error, drillId) => log.error({ err: error, drillId }, 'a revocation drill met an error'),
    }),
  )
}
