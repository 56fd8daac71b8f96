import type { Config } from '#config/load-config.ts'
import { deleteExpiredIdempotencyRecords } from '#idempotency/repository.ts'
import { ProbeRunner } from '#keks/probe.ts'
import { runDueVerifications } from '#keks/reverify.ts'
import { probePollMs } from '#keks/revocation-bound.ts'
import type { Logger } from '#telemetry/log.ts'
import type { Custody } from './build-custody.ts'
import type { Lending } from './build-lending.ts'
import type { Storage } from './open-storage.ts'
import { runPeriodically } from './run-periodically.ts'

const verificationPollMs = 2_000
const lastUsedFlushMs = 5_000
const idempotencySweepMs = 3_600_000
const idempotencyKeptMs = 86_400_000

/** Starts what goes on without anybody asking: probes, last uses, old idempotency keys. */
export function startBackgroundWork(
  stack: AsyncDisposableStack,
  { db, ring, receipts }: Storage,
  { kekAccessKinds, kekProviders, onKekGone }: Custody,
  { lastUsed }: Lending,
  options: { config: Config; log: Logger; now: () => Date; onUnexpected: (error: unknown) => void },
): void {
  const { config, log, now, onUnexpected } = options
  const every = (intervalMs: number, task: () => Promise<unknown>) =>
    stack.use(runPeriodically(intervalMs, task, onUnexpected))

  stack.defer(() => lastUsed.flush())
  const probes = stack.use(
    new ProbeRunner({
      db,
      ring,
      providers: kekProviders,
      journal: receipts,
      now,
      suspendedProbeIntervalMs: config.suspendedProbeIntervalMs,
      onRevoked: onKekGone,
      onError: (error, kekId) => log.error({ err: error, kekId }, 'a probe failed'),
    }),
  )
  every(Math.min(probePollMs, config.suspendedProbeIntervalMs), () => probes.startDue())
  every(verificationPollMs, () =>
    runDueVerifications({
      db,
      ring,
      providers: kekProviders,
      accessKinds: kekAccessKinds,
      journal: receipts,
      now,
      reverifyIntervalMs: config.reverifyIntervalMs,
      onError: (error, kekId) => log.error({ err: error, kekId }, 'a verification failed'),
    }),
  )
  every(lastUsedFlushMs, () => lastUsed.flush())
  every(idempotencySweepMs, () =>
    deleteExpiredIdempotencyRecords(db.kysely, new Date(now().getTime() - idempotencyKeptMs)),
  )
}
