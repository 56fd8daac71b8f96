import type { Database } from '#db/database.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { changeKekState } from './change-state.ts'
import type { Kek } from './kek.ts'
import { KekError } from './kek-error.ts'
import { countSealedUnder } from './repository.ts'

type Deps = Readonly<{ db: Database; ring: SecretRing; now: () => Date }>

/**
 * Takes a KEK out of use for good; the customer may then withdraw the grant.
 * @throws {KekError} `kek_in_use` while any credential is still sealed under it.
 */
export async function retireKek(
  deps: Deps,
  input: { orgId: string; kekId: string; actor: string },
): Promise<Kek> {
  const { kek } = await changeKekState(deps, {
    orgId: input.orgId,
    kekId: input.kekId,
    from: ['pre-activation', 'active', 'suspended'],
    to: 'deactivated',
    kind: 'kek.retired',
    reason: null,
    actor: input.actor,
    unless: async (trx) => {
      const sealed = await countSealedUnder(trx, input.orgId, input.kekId)
      if (sealed === 0) return
      const are = sealed === 1 ? 'credential is' : 'credentials are'
      throw new KekError(
        'kek_in_use',
        `${sealed} ${are} still sealed under this KEK: delete or move the targets first.`,
      )
    },
  })
  return kek
}
