import type { BeforeCommit } from '#db/before-commit.ts'
import type { Database, Db } from '#db/database.ts'
import { IntegrityError } from '#integrity/assert-row-mac.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { recordChange } from '#ledger/record-change.ts'
import { changeKekState } from './change-state.ts'
import type { Kek } from './kek.ts'
import { KekError } from './kek-error.ts'
import { buryKek, targetsSealedUnder } from './repository.ts'
import { countStillWrapped } from './still-wrapped.ts'

type Deps = Readonly<{
  db: Database
  ring: SecretRing
  now: () => Date
  /** Names by id, of those targets whose rows are ours. */
  namesOfTargets: (
    db: Db,
    orgId: string,
    targetIds: readonly string[],
  ) => Promise<ReadonlyMap<string, string>>
}>
const namesShownMax = 5
const moveOrDelete =
  'Move them to another KEK first (hasp kek move <this KEK> --to <other KEK>), or delete the targets.'
const deleteOnly =
  'The record of this KEK was changed outside of Hasp, so that nothing can be moved from it: delete the targets, and store them anew under another KEK.'

type RetireKek = Readonly<{ orgId: string; kekId: string; actor: string; beforeCommit?: BeforeCommit<Kek> }>

/**
 * Takes a KEK out of use for good; the customer may then withdraw the grant. One whose row was tampered with is
 * retired too: nothing of the row is trusted or repeated, and a deactivated one takes its place.
 * @throws {KekError} `kek_in_use` while anything is still wrapped under it, or a lifecycle job works on it.
 */
export async function retireKek(deps: Deps, input: RetireKek): Promise<Kek> {
  try {
    const { kek } = await changeKekState(deps, {
      orgId: input.orgId,
      kekId: input.kekId,
      from: ['pre-activation', 'active', 'suspended'],
      to: 'deactivated',
      kind: 'kek.retired',
      reason: null,
      actor: input.actor,
      canary: null,
      unless: (trx) => assertSealsNothing(deps, trx, input, moveOrDelete),
      beforeCommit: input.beforeCommit,
    })
    return kek
  } catch (error) {
    if (error instanceof IntegrityError) return retireTampered(deps, input)
    throw error
  }
}

async function retireTampered(deps: Deps, input: RetireKek): Promise<Kek> {
  return deps.db.transaction(async (trx) => {
    const { orgId, kekId, actor } = input
    const at = deps.now()
    const details = { isTampered: true }
    await recordChange(trx, { orgId, kind: 'kek.retired', actor, occurredAt: at, kekId, details })
    await assertSealsNothing(deps, trx, input, deleteOnly)
    const buried = await buryKek(trx, deps.ring, { orgId, kekId, at })
    await input.beforeCommit?.(trx, buried)
    return buried
  })
}

/** The canary is wrapped under the KEK too; it is noise that nobody needs afterwards, and goes with it. */
async function assertSealsNothing(
  { namesOfTargets }: Pick<Deps, 'namesOfTargets'>,
  trx: Db,
  { orgId, kekId }: RetireKek,
  remedy: string,
): Promise<void> {
  const { inUse, former, jobs } = await countStillWrapped(trx, orgId, kekId)
  if (jobs > 0) {
    throw new KekError(
      'kek_in_use',
      `${jobs === 1 ? 'A lifecycle job works' : `${jobs} lifecycle jobs work`} on this KEK: wait until ${jobs === 1 ? 'it has' : 'they have'} ended, or cancel (hasp job list).`,
    )
  }
  if (inUse + former === 0) return
  const ids = await targetsSealedUnder(trx, orgId, kekId)
  const idsShown = ids.slice(0, namesShownMax)
  const names = await namesOfTargets(trx, orgId, idsShown)
  const shown =
    idsShown.map((id) => names.get(id) ?? id).join(', ') + (ids.length > namesShownMax ? ', …' : '')
  throw new KekError(
    'kek_in_use',
    `Still wrapped under this KEK: ${counted(inUse, 'credential version')} in use and ${former} former, of ${counted(ids.length, 'target')} (${shown}). ${remedy}`,
  )
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
