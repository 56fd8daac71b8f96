import { setTimeout as sleep } from 'node:timers/promises'
import { newId } from '#db/ids.ts'
import { EnvelopeError } from '#envelope/envelope-error.ts'
import { IntegrityError } from '#integrity/assert-row-mac.ts'
import { journalledUnwrap, openCanary } from '#keks/canary.ts'
import type { Kek } from '#keks/kek.ts'
import { renewCanary } from '#keks/renew-canary.ts'
import { bringProbeForward } from '#keks/repository.ts'
import { KekFault } from '#kms/kek-fault.ts'
import { appendEntry } from '#ledger/append.ts'
import { TargetError } from '#targets/target-error.ts'
import { claimJob, type Claim } from './claim.ts'
import type { RunDeps } from './deps.ts'
import { blockJob, endJob } from './end.ts'
import { KekCallFault } from './kek-call-fault.ts'
import { actorOf } from './lifecycle-job.ts'
import { Pacer } from './pacer.ts'
import { findRecordsLeft } from './records-left.ts'
import { noteLook, noteProgress } from './repository.ts'
import { rewrapRecord } from './rewrap-record.ts'
import { RunEnd } from './run-end.ts'

const recordsAtOnceDefault = 8
const pageSize = 200
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
    await proveTarget(deps, claim, pacer)
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
async function proveTarget(deps: RunDeps, { from, to }: Claim, pacer: Pacer): Promise<void> {
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

/** The records of one run: which failed, and at what pace the others go. */
class Records {
  readonly #deps: RunDeps
  readonly #claim: Claim
  readonly #signal: AbortSignal
  readonly #pacer: Pacer
  readonly #failed = new Set<string>()
  #isHeldUp = false

  constructor(deps: RunDeps, claim: Claim, pacer: Pacer, signal: AbortSignal) {
    this.#deps = deps
    this.#claim = claim
    this.#signal = signal
    this.#pacer = pacer
  }

  get failedCount(): number {
    return this.#failed.size
  }

  /** Passes over the records, again and again, until a whole pass meets none but failed ones. */
  async doAll(): Promise<void> {
    for (;;) {
      let met = 0
      for (let afterId: string | null = null; ;) {
        const ids = await findRecordsLeft(this.#deps.db.kysely, this.#claim.job, { afterId, limit: pageSize })
        const left = ids.filter((id) => !this.#failed.has(id))
        met += left.length
        await this.#doSome(left)
        afterId = ids.at(-1) ?? null
        if (afterId === null) break
      }
      if (met === 0) return
    }
  }

  async #doSome(targetIds: readonly string[]): Promise<void> {
    const waiting = targetIds.values()
    const { recordsAtOnce = recordsAtOnceDefault } = this.#deps
    const failures: unknown[] = []
    const lane = async () => {
      for (const targetId of waiting) {
        if (failures.length > 0) return
        await this.#doOne(targetId).catch((error: unknown) => failures.push(error))
      }
    }
    await Promise.all(Array.from({ length: recordsAtOnce }, lane))
    if (failures.length > 0) throw failures[0]
  }

  async #doOne(targetId: string): Promise<void> {
    for (;;) {
      await this.#pacer.turn()
      try {
        await rewrapRecord(this.#deps, { ...this.#claim, signal: this.#signal }, targetId)
        await this.#goOn()
        return
      } catch (error) {
        this.#signal.throwIfAborted()
        if ((await this.#answer(targetId, error)) === 'done') return
      }
    }
  }

  /** @returns whether the record is to be tried again at once. @throws {RunEnd} where no record could be done now. */
  async #answer(targetId: string, error: unknown): Promise<'again' | 'done'> {
    if (error instanceof KekCallFault) return this.#answerFault(targetId, error)
    // Deleted, or changed by somebody else: the next pass meets it if anything is left of it.
    if (error instanceof TargetError) return 'done'
    if (error instanceof EnvelopeError || error instanceof IntegrityError) {
      if (error instanceof IntegrityError) this.#deps.onTampered({ table: error.table, id: targetId })
      await this.#fail(targetId, error.code, error.message)
      return 'done'
    }
    throw error
  }

  async #answerFault(targetId: string, error: KekCallFault): Promise<'again' | 'done'> {
    const { call, kek, fault } = error
    if (fault.isTransient) {
      this.#pacer.pause(fault.retryAfterMs)
      this.#isHeldUp = true
      await this.#note({ lastError: error.message })
      return 'again'
    }
    if (fault.kind === 'tampered' && call === 'unwrap') {
      await this.#fail(targetId, fault.code, error.message)
      return 'done'
    }
    if (fault.kind === 'revoked') await this.#suspect(call, kek, fault)
    throw new RunEnd('blocked', error.message)
  }

  /** What held the job up is over. */
  async #goOn(): Promise<void> {
    this.#pacer.succeed()
    if (!this.#isHeldUp) return
    this.#isHeldUp = false
    await this.#note({ lastError: null })
  }

  /** A refused unwrap says that the KEK is revoked. A refused wrap may be a right to wrap only: the probe will tell. */
  async #suspect(call: 'wrap' | 'unwrap', kek: Kek, fault: KekFault): Promise<void> {
    if (call === 'unwrap') await this.#deps.onRevoked(kek, fault)
    else await bringProbeForward(this.#deps.db.kysely, kek, this.#deps.now())
  }

  /** This record can not be done, the others can: the ledger says which and why. */
  async #fail(targetId: string, code: string, message: string): Promise<void> {
    const { job } = this.#claim
    this.#failed.add(targetId)
    await appendEntry(this.#deps.db.kysely, {
      entryId: newId(),
      orgId: job.orgId,
      kind: 'target.rewrap-failed',
      actor: actorOf(job),
      occurredAt: this.#deps.now(),
      targetId,
      kekId: job.fromKekId,
      details: { jobId: job.id, code },
    })
    await this.#note({ recordsFailed: this.#failed.size, lastError: `Target ${targetId}: ${message}` })
  }

  async #note(what: { recordsFailed?: number; lastError: string | null }): Promise<void> {
    const { job, runId } = this.#claim
    await noteProgress(this.#deps.db.kysely, job, { runId, at: this.#deps.now(), ...what })
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
