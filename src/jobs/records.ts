import { newId } from '#db/ids.ts'
import { EnvelopeError } from '#envelope/envelope-error.ts'
import { IntegrityError } from '#integrity/assert-row-mac.ts'
import type { Kek } from '#keks/kek.ts'
import { bringProbeForward } from '#keks/probe-repository.ts'
import type { KekFault } from '#kms/kek-fault.ts'
import { appendEntry } from '#ledger/append.ts'
import { TargetError } from '#targets/target-error.ts'
import type { Claim } from './claim.ts'
import type { RunDeps } from './deps.ts'
import { KekCallFault } from './kek-call-fault.ts'
import { actorOf } from './lifecycle-job.ts'
import type { Pacer } from './pacer.ts'
import { noteProgress } from './progress-repository.ts'
import { findRecordsLeft } from './records-left.ts'
import { rewrapRecord } from './rewrap-record.ts'
import { RunEnd } from './run-end.ts'

const recordsAtOnce = 8
const pageSize = 200

/** The records of one run: which failed, and at what pace the others go. */
export class Records {
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
