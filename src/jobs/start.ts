import type { BeforeCommit } from '#db/before-commit.ts'
import type { Db } from '#db/database.ts'
import { newId } from '#db/ids.ts'
import type { Kek } from '#keks/kek.ts'
import { KekError } from '#keks/kek-error.ts'
import { requireProtection } from '#keks/protection.ts'
import { findKek } from '#keks/repository.ts'
import { appendEntry } from '#ledger/append.ts'
import { lockOrganisation } from '#ledger/lock-organisation.ts'
import { findTarget } from '#targets/repository.ts'
import type { LifecycleJobDeps } from './deps.ts'
import { detailsOf } from './end.ts'
import {
  recordsPerSecondDefault,
  type LifecycleJob,
  type LifecycleJobKind,
  type LifecycleJobStatus,
} from './lifecycle-job.ts'
import { LifecycleJobError } from './lifecycle-job-error.ts'
import { countRecordsLeft } from './records-left.ts'
import { takeOver } from './progress-repository.ts'
import { findJobStatus, findUnendedJobs, insertJob } from './repository.ts'

export type StartLifecycleJob = Readonly<{
  orgId: string
  actor: string
  kind: LifecycleJobKind
  /** Needed unless `targetId` tells it. */
  fromKekId?: string | undefined
  /** For `move`, and only for it. */
  toKekId?: string | undefined
  targetId?: string | undefined
  recordsPerSecondMax?: number | undefined
  beforeCommit?: BeforeCommit<LifecycleJobStatus>
}>

/**
 * Notes a job down and queues it, in one transaction: from its commit on some node carries it out, whatever happens
 * to this one.
 * @throws {LifecycleJobError} `lifecycle_job_invalid`, `lifecycle_job_under_way`; {KekError} `kek_not_found`,
 *   `kek_not_active`, `kek_protection_too_low`; {TargetError} `target_not_found`
 */
export async function startLifecycleJob(
  deps: LifecycleJobDeps,
  input: StartLifecycleJob,
): Promise<LifecycleJobStatus> {
  const { db, ring } = deps
  return db.transaction(async (trx) => {
    await lockOrganisation(trx, input.orgId)
    const { from, to } = await findKeks(deps, trx, input)
    const now = deps.now()
    const job: LifecycleJob = {
      id: newId(),
      orgId: input.orgId,
      kind: input.kind,
      fromKekId: from.id,
      toKekId: to.id,
      targetId: input.targetId ?? null,
      recordsPerSecondMax: input.recordsPerSecondMax ?? recordsPerSecondDefault,
      state: 'pending',
      stateReason: null,
      actor: input.actor,
      createdAt: now,
      startedAt: null,
      endedAt: null,
    }
    await refuseCrossing(deps, trx, job)
    await insertJob(trx, ring, job)
    const recordsLeft = await countRecordsLeft(trx, job)
    await takeOver(trx, job, { runId: null, runBy: null, at: now, recordsLeft })
    await appendEntry(trx, {
      entryId: newId(),
      orgId: job.orgId,
      kind: 'lifecycle-job.started',
      actor: input.actor,
      occurredAt: now,
      kekId: from.id,
      ...(job.targetId === null ? {} : { targetId: job.targetId }),
      details: { ...detailsOf(job), records: recordsLeft, recordsPerSecondMax: job.recordsPerSecondMax },
    })
    await deps.enqueue(trx, { orgId: job.orgId, jobId: job.id })
    const status = await findJobStatus(trx, ring, job.orgId, job.id)
    await input.beforeCommit?.(trx, status)
    return status
  })
}

/** Both KEKs are the organisation's own, and usable now: what is suspended can neither be left nor entered. */
async function findKeks(
  { ring }: LifecycleJobDeps,
  trx: Db,
  { orgId, kind, fromKekId, toKekId, targetId }: StartLifecycleJob,
): Promise<{ from: Kek; to: Kek }> {
  const target = targetId === undefined ? undefined : await findTarget(trx, ring, orgId, targetId)
  const fromId = fromKekId ?? target?.kekId
  if (fromId === undefined) throw invalid('Say which KEK (fromKekId) or which target (targetId) it is for.')
  if (kind === 'move' ? toKekId === undefined : toKekId !== undefined) {
    throw invalid(
      kind === 'move'
        ? 'Say which KEK to move to: toKekId.'
        : `A ${kind} stays under its KEK: leave toKekId out, or start a move.`,
    )
  }
  if (toKekId === fromId)
    throw invalid('The records are under this KEK already: name another, or start a rewrap.')
  const from = await findKek(trx, ring, orgId, fromId)
  const to = toKekId === undefined ? from : await findKek(trx, ring, orgId, toKekId)
  for (const kek of [from, to]) {
    if (kek.state === 'active' && kek.canary !== null) continue
    throw new KekError(
      'kek_not_active',
      `The KEK "${kek.name}" is ${kek.state}: both KEKs must be active, for one unwraps and the other wraps.`,
    )
  }
  requireProtection(from.protectionRule, to)
  return { from, to }
}

/** One job at a time takes from a KEK, and none gives to it meanwhile: two that cross would never end. */
async function refuseCrossing({ ring }: LifecycleJobDeps, trx: Db, job: LifecycleJob): Promise<void> {
  for (const other of await findUnendedJobs(trx, ring, job.orgId)) {
    const doesCross =
      other.fromKekId === job.fromKekId || other.toKekId === job.fromKekId || other.fromKekId === job.toKekId
    if (!doesCross) continue
    throw new LifecycleJobError(
      'lifecycle_job_under_way',
      `The ${other.kind} ${other.id} works on one of these KEKs already (${other.state}): wait until it has ended, or cancel it.`,
    )
  }
}

function invalid(message: string): LifecycleJobError {
  return new LifecycleJobError('lifecycle_job_invalid', message)
}
