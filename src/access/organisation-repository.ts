import type { Db } from '#db/database.ts'
import { violatedConstraint } from '#db/violated-constraint.ts'
import { AccessError } from './access-error.ts'

export async function insertOrganisation(db: Db, organisation: { id: string; name: string }): Promise<void> {
  try {
    await db.insertInto('organisations').values(organisation).execute()
  } catch (error) {
    if (violatedConstraint(error) !== 'organisations_name_key') throw error
    throw new AccessError('organisation_name_taken', 'There is an organisation of this name already.')
  }
}

export async function findOrganisation(
  db: Db,
  orgId: string,
): Promise<{ id: string; name: string; createdAt: Date }> {
  const row = await db
    .selectFrom('organisations')
    .select(['id', 'name', 'created_at'])
    .where('id', '=', orgId)
    .executeTakeFirst()
  if (row === undefined) throw new AccessError('organisation_not_found', 'There is no such organisation.')
  return { id: row.id, name: row.name, createdAt: row.created_at }
}

/** @throws {AccessError} `organisation_not_found` */
export async function findOrganisationIdByName(db: Db, name: string): Promise<string> {
  const row = await db.selectFrom('organisations').select('id').where('name', '=', name).executeTakeFirst()
  if (row === undefined)
    throw new AccessError('organisation_not_found', 'There is no organisation of this name.')
  return row.id
}

/** Whether any organisation exists yet: the first start makes one. */
export async function hasOrganisations(db: Db): Promise<boolean> {
  return (await db.selectFrom('organisations').select('id').limit(1).executeTakeFirst()) !== undefined
}

/** The organisation's present epoch. */
export async function readEpoch(db: Db, orgId: string): Promise<string> {
  const row = await db.selectFrom('organisations').select('epoch').where('id', '=', orgId).executeTakeFirst()
  if (row === undefined) throw new AccessError('organisation_not_found', 'There is no such organisation.')
  return row.epoch
}
