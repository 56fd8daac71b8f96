import type { BeforeCommit } from '#db/before-commit.ts'
import type { Database, Db } from '#db/database.ts'
import { newId } from '#db/ids.ts'
import { IntegrityError } from '#integrity/assert-row-mac.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { mintToken } from '#integrity/token.ts'
import { recordChange } from '#ledger/record-change.ts'
import { AccessError } from './access-error.ts'
import { currentDigest } from './issue-admin-token.ts'
import {
  buryVirtualKey,
  existingTargetIds,
  findVirtualKey,
  insertVirtualKey,
  replaceVirtualKey,
} from './virtual-key-repository.ts'
import type { VirtualKey } from './virtual-key.ts'

type Deps = Readonly<{ db: Database; ring: SecretRing; now: () => Date }>

export type VirtualKeyScope = Pick<VirtualKey, 'targetIds' | 'models' | 'expiresAt'>

export type IssuedVirtualKey = Readonly<{ virtualKey: VirtualKey; token: string }>

/**
 * Issues a virtual key. The token is in the answer and nowhere else: only a keyed digest is stored.
 * @throws {AccessError} `virtual_key_target_unknown`
 */
export async function issueVirtualKey(
  deps: Deps,
  input: {
    orgId: string
    actor: string
    name: string
    beforeCommit?: BeforeCommit<IssuedVirtualKey>
  } & VirtualKeyScope,
): Promise<IssuedVirtualKey> {
  const { token, hint } = mintToken('hasp_vk')
  const now = deps.now()
  const virtualKey: VirtualKey = {
    id: newId(),
    orgId: input.orgId,
    name: input.name,
    digest: currentDigest(deps.ring, token),
    hint,
    targetIds: input.targetIds,
    models: input.models,
    createdAt: now,
    expiresAt: input.expiresAt,
    revokedAt: null,
  }
  await deps.db.transaction(async (trx) => {
    await recordChange(trx, {
      orgId: input.orgId,
      kind: 'virtual-key.issued',
      actor: input.actor,
      occurredAt: now,
      virtualKeyId: virtualKey.id,
      details: scopeDetails(virtualKey),
    })
    await assertTargetsExist(trx, input.orgId, input.targetIds)
    await insertVirtualKey(trx, deps.ring, virtualKey)
    await input.beforeCommit?.(trx, { virtualKey, token })
  })
  return { virtualKey, token }
}

/** Changes name or scope. @throws {AccessError} `virtual_key_not_found`, `virtual_key_target_unknown` */
export async function updateVirtualKey(
  deps: Deps,
  input: {
    orgId: string
    actor: string
    virtualKeyId: string
    changes: Partial<VirtualKeyScope & { name: string }>
    beforeCommit?: BeforeCommit<VirtualKey>
  },
): Promise<VirtualKey> {
  return changeVirtualKey(deps, input, 'virtual-key.updated', (before) => ({ ...before, ...input.changes }))
}

/**
 * Revokes a virtual key on every node at once; revoking it again changes nothing. One whose row was tampered with is
 * revoked too: nothing of the row is trusted, and a revoked one takes its place.
 */
export async function revokeVirtualKey(
  deps: Deps,
  input: { orgId: string; actor: string; virtualKeyId: string; beforeCommit?: BeforeCommit<VirtualKey> },
): Promise<VirtualKey> {
  try {
    return await changeVirtualKey(deps, input, 'virtual-key.revoked', (before) => ({
      ...before,
      revokedAt: before.revokedAt ?? deps.now(),
    }))
  } catch (error) {
    if (error instanceof IntegrityError) return revokeTampered(deps, input)
    throw error
  }
}

async function revokeTampered(
  deps: Deps,
  input: { orgId: string; actor: string; virtualKeyId: string; beforeCommit?: BeforeCommit<VirtualKey> },
): Promise<VirtualKey> {
  return deps.db.transaction(async (trx) => {
    const at = deps.now()
    await recordChange(trx, {
      orgId: input.orgId,
      kind: 'virtual-key.revoked',
      actor: input.actor,
      occurredAt: at,
      virtualKeyId: input.virtualKeyId,
      details: { isTampered: true },
    })
    const buried = await buryVirtualKey(trx, deps.ring, { orgId: input.orgId, id: input.virtualKeyId, at })
    await input.beforeCommit?.(trx, buried)
    return buried
  })
}

async function changeVirtualKey(
  deps: Deps,
  input: { orgId: string; actor: string; virtualKeyId: string; beforeCommit?: BeforeCommit<VirtualKey> },
  kind: 'virtual-key.updated' | 'virtual-key.revoked',
  change: (before: VirtualKey) => VirtualKey,
): Promise<VirtualKey> {
  return deps.db.transaction(async (trx) => {
    const before = await findVirtualKey(trx, deps.ring, input.orgId, input.virtualKeyId)
    const after = change(before)
    await recordChange(trx, {
      orgId: input.orgId,
      kind,
      actor: input.actor,
      occurredAt: deps.now(),
      virtualKeyId: input.virtualKeyId,
      details: scopeDetails(after),
    })
    // Only what is newly named: a target deleted since must not stand in the way of a revocation.
    await assertTargetsExist(
      trx,
      input.orgId,
      after.targetIds.filter((id) => !before.targetIds.includes(id)),
    )
    await replaceVirtualKey(trx, deps.ring, before, after)
    await input.beforeCommit?.(trx, after)
    return after
  })
}

async function assertTargetsExist(db: Db, orgId: string, targetIds: readonly string[]): Promise<void> {
  const existing = await existingTargetIds(db, orgId, targetIds)
  const missing = targetIds.filter((id) => !existing.has(id))
  if (missing.length > 0) {
    throw new AccessError(
      'virtual_key_target_unknown',
      `Your organisation has no target ${missing.join(', ')}.`,
    )
  }
}

/** As the API says it: in the ledger an empty list would read as a virtual key that may do nothing. */
function scopeDetails(virtualKey: VirtualKey) {
  return {
    name: virtualKey.name,
    targetIds: allOr(virtualKey.targetIds),
    models: allOr(virtualKey.models),
    expiresAt: virtualKey.expiresAt?.toISOString() ?? null,
  }
}

function allOr(scope: readonly string[]): 'all' | string[] {
  return scope.length === 0 ? 'all' : [...scope]
}
