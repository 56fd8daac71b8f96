import type { Db } from '#db/database.ts'
import { newId } from '#db/ids.ts'
import { decodeEnvelope } from '#envelope/format-v1.ts'
import { openSecret } from '#envelope/open.ts'
import { deriveRecordKey, generateDek } from '#envelope/record-key.ts'
import { sealSecret } from '#envelope/seal.ts'
import { IntegrityError } from '#integrity/assert-row-mac.ts'
import type { Kek } from '#keks/kek.ts'
import { findKek } from '#keks/repository.ts'
import { KekFault } from '#kms/kek-fault.ts'
import type { UnwrapResult } from '#kms/kek-provider.ts'
import { appendEntry } from '#ledger/append.ts'
import type { UnwrapIntent } from '#ledger/unwrap-intent.ts'
import { findCredentials, replaceCredential } from '#targets/credential-repository.ts'
import { findTarget, replaceTarget } from '#targets/repository.ts'
import { credentialContext } from '#targets/seal-credential.ts'
import type { Credential, Target } from '#targets/target.ts'
import type { RunDeps } from './deps.ts'
import { actorOf, type LifecycleJob } from './lifecycle-job.ts'
import { KekCallFault } from './kek-call-fault.ts'
import { isLeft } from './records-left.ts'
import { RunEnd } from './run-end.ts'
import { noteProgress } from './progress-repository.ts'

/** One run of a job: what it works with, and the id that lets it commit. */
export type Run = Readonly<{ job: LifecycleJob; runId: string; from: Kek; to: Kek; signal: AbortSignal }>

/** A version of a credential as it is and as it is to be, with the calls that brought it there. */
type Resealed = Readonly<{
  before: Credential
  after: Credential
  calls: Readonly<{
    unwrapId: string
    unwrapKmsRequestId: string
    wrapKmsRequestId: string
    /** As `serviceRequestId` of a `KmsCall`; the unwrap's stands in its `unwrap.completed`. */
    wrapServiceRequestId?: string
    fromMaterialId: string
    toMaterialId: string
  }>
}>

/**
 * Does what the job does to one target: every version of its credential that is left. The KMS is asked first; then one
 * transaction takes all versions, the target's row, the ledger entry and the count, or none of them. A process that
 * dies in between has cost some KMS calls, and the record is as it was.
 * @returns false where nothing was left to do.
 * @throws {KekCallFault} as the KMSs answer, {EnvelopeError}, {IntegrityError} for a record that is not ours,
 *   {TargetError} `target_not_found`, `target_changed_meanwhile`; {RunEnd} where this run may not commit.
 */
export async function rewrapRecord(deps: RunDeps, run: Run, targetId: string): Promise<boolean> {
  const { db, ring } = deps
  const { job } = run
  const target = await findTarget(db.kysely, ring, job.orgId, targetId)
  const versions = await findCredentials(db.kysely, ring, job.orgId, [targetId], () => {
    throw new IntegrityError('credentials')
  })
  const left = versions.filter((version) => isLeft(job, version))
  if (left.length === 0) return false
  const resealed: Resealed[] = []
  for (const version of left) resealed.push(await resealVersion(deps, run, target, version))
  await db.transaction((trx) => commitRecord(deps, trx, run, target, resealed))
  return true
}

/** Unwrap → open → wrap → seal. Nothing is stored yet. */
async function resealVersion(
  deps: RunDeps,
  { job, from, to, signal }: Run,
  target: Target,
  before: Credential,
): Promise<Resealed> {
  const contextBefore = credentialContext(target, before)
  const contextAfter = { ...contextBefore, kek: to.id }
  const envelope = decodeEnvelope(before.sealed)
  const intent: UnwrapIntent = {
    unwrapId: newId(),
    orgId: job.orgId,
    epoch: null,
    kekId: from.id,
    targetId: target.id,
    purpose: 'credential',
    generation: before.generation,
    mode: 'strict',
    actor: actorOf(job),
  }
  const unwrap = await ask('unwrap', from, () =>
    journalled(deps, intent, () =>
      deps.kekProviders
        .open(from)
        .unwrap(envelope.wrapped, contextBefore, { signal, requestReason: intent.unwrapId }),
    ),
  )
  using unwrapped = unwrap.dek
  const recordKey = deriveRecordKey({ dek: unwrapped, envelope, context: contextBefore })
  using plaintext = openSecret(recordKey, envelope, contextBefore)
  using made = job.kind === 're-encrypt' ? generateDek() : undefined
  const dek = made ?? unwrapped
  const wrap = await ask('wrap', to, () => deps.kekProviders.open(to).wrap(dek, contextAfter, { signal }))
  const wrapped = { ...wrap.wrappedDek, materialId: wrap.materialId }
  const sealed = sealSecret({ plaintext, dek, wrapped, context: contextAfter })
  // Not before the job was started, whatever this machine's clock says: else the record would be left for ever.
  const at = new Date(Math.max(deps.now().getTime(), job.createdAt.getTime()))
  return {
    before,
    after: {
      ...before,
      kekId: to.id,
      sealed,
      wrappedAt: at,
      dekCreatedAt: made === undefined ? before.dekCreatedAt : at,
    },
    calls: {
      unwrapId: intent.unwrapId,
      unwrapKmsRequestId: unwrap.kmsRequestId,
      wrapKmsRequestId: wrap.kmsRequestId,
      ...(wrap.serviceRequestId === undefined ? {} : { wrapServiceRequestId: wrap.serviceRequestId }),
      fromMaterialId: unwrap.materialId,
      toMaterialId: wrap.materialId,
    },
  }
}

/** Tells of a fault which of the two KEKs it is, and what was asked of it. */
async function ask<Result>(call: 'wrap' | 'unwrap', kek: Kek, send: () => Promise<Result>): Promise<Result> {
  try {
    return await send()
  } catch (error) {
    throw error instanceof KekFault ? new KekCallFault(call, kek, error) : error
  }
}

/** The durable record of an unwrap comes before it, as everywhere; what the KMS answered is noted after it. */
async function journalled(
  deps: RunDeps,
  intent: UnwrapIntent,
  unwrap: () => Promise<UnwrapResult>,
): Promise<UnwrapResult> {
  await deps.journal.intend(intent)
  try {
    const unwrapped = await unwrap()
    deps.journal.completed(intent, unwrapped)
    return unwrapped
  } catch (error) {
    if (error instanceof KekFault) deps.journal.refused(intent, error)
    throw error
  }
}

async function commitRecord(
  deps: RunDeps,
  trx: Db,
  run: Run,
  target: Target,
  resealed: readonly Resealed[],
): Promise<void> {
  const { ring } = deps
  const { job, from, to, runId } = run
  for (const { before, after } of resealed) await replaceCredential(trx, ring, before, after)
  if (target.kekId === from.id && to.id !== from.id) {
    await replaceTarget(trx, ring, target, { ...target, kekId: to.id })
  }
  await appendEntry(trx, {
    entryId: newId(),
    orgId: job.orgId,
    kind: job.kind === 're-encrypt' ? 'target.re-encrypted' : 'target.rewrapped',
    actor: actorOf(job),
    occurredAt: deps.now(),
    targetId: target.id,
    kekId: to.id,
    details: {
      jobId: job.id,
      fromKekId: from.id,
      toKekId: to.id,
      versions: resealed.map(({ before, calls }) => ({ generation: before.generation, ...calls })),
    },
  })
  for (const { id } of to.id === from.id ? [to] : [from, to]) {
    const { name, state } = await findKek(trx, ring, job.orgId, id)
    if (state !== 'active') throw new RunEnd('blocked', `The KEK "${name}" is ${state}.`)
  }
  // Last, for it is the one row that all records of the job share: whoever takes the job over, or cancels it, replaces
  // the run's id in it, and from then on nothing of this run commits.
  if (!(await noteProgress(trx, job, { runId, at: deps.now(), recordsDone: 1 }))) {
    throw new RunEnd('superseded', 'Another run has this job, or it was cancelled.')
  }
}
