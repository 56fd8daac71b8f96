import type { Database } from '#db/database.ts'
import { newId } from '#db/ids.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { appendEntry } from '#ledger/append.ts'
import { callIdsOf } from '#ledger/call-ids.ts'
import { lockOrganisation } from '#ledger/lock-organisation.ts'
import type { VerificationRecord } from './verification.ts'
import {
  deleteSurplusVerifications,
  insertVerification,
  scheduleVerification,
} from './verification-repository.ts'

type Deps = Readonly<{ db: Database; ring: SecretRing; reverifyIntervalMs: number }>

/**
 * Writes a verification down with its evidence and, in the same transaction, its ledger entry and when the next is due.
 * Verifications that are surplus by then go.
 */
export async function noteVerification(
  deps: Deps,
  record: VerificationRecord,
  options: { isEntryWritten: boolean },
): Promise<void> {
  const { orgId, kekId, verdict, checks, findings, probes } = record
  const isPassed = checks.every((check) => check.isPassed)
  const nextAt =
    deps.reverifyIntervalMs === 0 ? null : new Date(record.verifiedAt.getTime() + deps.reverifyIntervalMs)
  await deps.db.transaction(async (trx) => {
    await lockOrganisation(trx, orgId)
    await insertVerification(trx, deps.ring, record)
    await deleteSurplusVerifications(trx, record)
    await scheduleVerification(trx, { orgId, kekId }, nextAt)
    if (!options.isEntryWritten) return
    await appendEntry(trx, {
      entryId: newId(),
      orgId,
      kind: isPassed ? 'kek.verified' : 'kek.verification-failed',
      actor: record.actor,
      occurredAt: record.verifiedAt,
      kekId,
      details: {
        verificationId: record.id,
        verdict,
        checks: checks.map((check) => ({ ...check })),
        findings: findings.map(({ code, severity }) => ({ code, severity })),
        // So that whoever compares the ledger with the customer's log finds each call of the linter explained.
        probes: probes.map(({ action, outcome, ...call }) => ({ action, outcome, ...callIdsOf(call) })),
      },
    })
  })
}
