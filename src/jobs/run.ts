import { setTimeout as sleep } from 'node:timers/promises'
import { EnvelopeError } from '#envelope/envelope-error.ts'
import { IntegrityError } from '#integrity/assert-row-mac.ts'
import { journalledUnwrap, openCanary } from '#keks/canary.ts'
import { renewCanary } from '#keks/renew-canary.ts'
import { KekFault } from '#kms/kek-fault.ts'
import { claimJob, type Claim } from './claim.ts'
import type { RunDeps } from './deps.ts'
import { blockJob, endJob } from './end.ts'
import { KekCallFault } from './kek-call-fault.ts'
import { Pacer } from './pacer.ts'
import { noteLook, noteProgress } from './progress-repository.ts'
import { Records } from './records.ts'
import { RunEnd } from './run-end.ts'

/** How often a run says that it lives, and learns that it was superseded. */
const heartbeatMs = 2_000

/** What came of a run; `nothing` where the job had ended before, or is not one of ours. */
export type RunOutcome = 'ended' | 'blocked' | 'superseded' | 'nothing'

/**
 * Carries a job out: claim → prove the KEK to wrap under → every record that is left, until none is → end. May be
 * called again at any time, on any node, after any crash.
 * @throws {RunEnd} `stopping`; whatever the database fails with: then the job is to be run again.
 */
export async function runJob(
  deps: RunDeps,
  of: { orgId: string; jobId: string },
  stopping: AbortSignal,
): Promise<RunOutcome> {
  const claim = await claimJob(deps, of.orgId, of.jobId).catch(async (error: unknown) => {
    if (!(error instanceof IntegrityError)) throw error
    deps.onTampered({ table: error.table, id: of.jobId })
    await noteLook(deps.db.kysely, of, deps.now())
    return null
  })
  if (claim === null) return 'nothing'
  await using life = keepAlive(deps, claim, stopping)
  try {
    const pacer = new Pacer(claim.job.recordsPerSecondMax, life.signal)
    await proveKeks(deps, claim, pacer)
    const records = new Records(deps, claim, pacer, life.signal)
    for (;;) {
      await records.doAll()
      await renewOwnCanary(deps, claim, pacer)
      const end = await endJob(deps, claim, records.failedCount)
      if (end !== 'left') return end
    }
  } catch (error) {
    if (!(error instanceof RunEnd)) throw error
    if (error.kind === 'superseded') return 'superseded'
    if (error.kind === 'blocked') return await blockJob(deps, claim, error.message)
    throw error
  }
}

/** A KEK that wraps and does not unwrap would take every record with it: so it is asked to, first. */
async function proveKeks(deps: RunDeps, { from, to }: Claim, pacer: Pacer): Promise<void> {
  for (const kek of [from, to]) {
    if (kek.state !== 'active') throw new RunEnd('blocked', `The KEK "${kek.name}" is ${kek.state}.`)
  }
  const { canary } = to
  if (canary === null) throw new RunEnd('blocked', `The KEK "${to.name}" was never verified.`)
  try {
    await patiently(pacer, () =>
      journalledUnwrap(deps.journal, to, (unwrapId) =>
        openCanary(to, canary, deps.kekProviders.open(to), unwrapId),
      ),
    )
  } catch (error) {
    if (error instanceof KekFault) {
      if (error.kind === 'revoked') await deps.onRevoked(to, error)
      throw new RunEnd('blocked', new KekCallFault('unwrap', to, error).message)
    }
    if (error instanceof EnvelopeError) {
      throw new RunEnd('blocked', `The KEK "${to.name}" does not open what it sealed: verify it again.`)
    }
    throw error
  }
}

/** After a rewrap nothing needs the former material of the KEK, its canary neither. */
async function renewOwnCanary(deps: RunDeps, { job, to }: Claim, pacer: Pacer): Promise<void> {
  if (job.kind !== 'rewrap' || job.targetId !== null) return
  try {
    await patiently(pacer, () => renewCanary(deps, to))
  } catch (error) {
    throw error instanceof KekFault
      ? new RunEnd('blocked', new KekCallFault('wrap', to, error).message)
      : error
  }
}

/** Asks again, at the job's pace, for as long as the KMS only asks to wait or does not answer. */
async function patiently<Result>(pacer: Pacer, ask: () => Promise<Result>): Promise<Result> {
  for (;;) {
    await pacer.turn()
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof KekFault) || !error.isTransient) throw error
      pacer.pause(error.retryAfterMs)
    }
  }
}

/** Says every now and then that the run lives; its signal fires when the process stops or another run has the job. */
function keepAlive(
  deps: RunDeps,
  { job, runId }: Claim,
  stopping: AbortSignal,
): AsyncDisposable & { signal: AbortSignal } {
  const superseded = new AbortController()
  const done = new AbortController()
  const stopped = new AbortController()
  const onStop = () => stopped.abort(new RunEnd('stopping', 'This process stops; another takes the job.'))
  if (stopping.aborted) onStop()
  stopping.addEventListener('abort', onStop, { once: true })
  const beating = (async () => {
    while (!done.signal.aborted) {
      await sleep(heartbeatMs, undefined, { signal: done.signal }).catch(() => {})
      if (done.signal.aborted) return
      // A database that is away is met by the records too, which end the run.
      const isOurs = await noteProgress(deps.db.kysely, job, { runId, at: deps.now() }).catch(() => true)
      if (!isOurs)
        superseded.abort(new RunEnd('superseded', 'Another run has this job, or it was cancelled.'))
    }
  })()
  return {
    signal: AbortSignal.any([superseded.signal, stopped.signal]),
    async [Symbol.asyncDispose]() {
      stopping.removeEventListener('abort', onStop)
      done.abort()
      await beating
    },
  }
}
