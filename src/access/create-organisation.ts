import type { Database } from '#db/database.ts'
import { newId } from '#db/ids.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { appendEntry } from '#ledger/append.ts'
import { issueAdminTokenIn } from './issue-admin-token.ts'
import { hasOrganisations, insertOrganisation } from './organisation-repository.ts'

type Deps = Readonly<{ db: Database; ring: SecretRing; now: () => Date }>

export type NewOrganisation = Readonly<{ orgId: string; name: string; token: string }>

/**
 * Makes an organisation with its first admin token, which is in the answer and nowhere else.
 * @throws {AccessError} `organisation_name_taken`
 */
export async function createOrganisation(
  deps: Deps,
  input: { name: string; actor: string },
): Promise<NewOrganisation> {
  return deps.db.transaction(async (trx) => {
    const orgId = newId()
    await insertOrganisation(trx, { id: orgId, name: input.name })
    await appendEntry(trx, {
      entryId: newId(),
      orgId,
      kind: 'organisation.created',
      actor: input.actor,
      occurredAt: deps.now(),
      details: { name: input.name },
    })
    const { token } = await issueAdminTokenIn(trx, deps, {
      orgId,
      actor: input.actor,
      name: 'first',
      expiresAt: null,
    })
    return { orgId, name: input.name, token }
  })
}

/**
 * On an empty database, makes the first organisation; elsewhere does nothing. Of several nodes that start at
 * once, one makes it: its name is unique.
 */
export async function createFirstOrganisation(deps: Deps): Promise<NewOrganisation | null> {
  if (await hasOrganisations(deps.db.kysely)) return null
  try {
    return await createOrganisation(deps, { name: 'default', actor: 'first-start' })
  } catch (error) {
    if (await hasOrganisations(deps.db.kysely)) return null
    throw error
  }
}
