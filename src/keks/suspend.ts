import type { KekFault } from '#kms/kek-fault.ts'
import { changeKekStateInAnyCase } from './change-state.ts'
import type { Kek } from './kek.ts'

type Deps = Parameters<typeof changeKekStateInAnyCase>[0]

/**
 * The customer's KMS says that we may no longer use this KEK: suspends it everywhere. Racing callers (several
 * requests, several nodes) end with one change and one ledger entry.
 */
export async function suspendKek(
  deps: Deps,
  kek: Pick<Kek, 'id' | 'orgId'>,
  fault: KekFault,
  actor: string,
): Promise<{ isChanged: boolean }> {
  return changeKekStateInAnyCase(deps, {
    orgId: kek.orgId,
    kekId: kek.id,
    from: ['active'],
    to: 'suspended',
    kind: 'kek.suspended',
    reason: fault.code,
    actor,
    kmsRequestId: fault.kmsRequestId,
  })
}

/** The KMS serves a suspended KEK again: service resumes. */
export async function resumeKek(
  deps: Deps,
  kek: Pick<Kek, 'id' | 'orgId'>,
  kmsRequestId: string,
  actor: string,
): Promise<{ isChanged: boolean }> {
  return changeKekStateInAnyCase(deps, {
    orgId: kek.orgId,
    kekId: kek.id,
    from: ['suspended'],
    to: 'active',
    kind: 'kek.resumed',
    reason: null,
    actor,
    kmsRequestId,
  })
}
