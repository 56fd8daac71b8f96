import { issueAdminToken } from '#access/issue-admin-token.ts'
import { findOrganisationIdByName } from '#access/organisation-repository.ts'
import { createOrganisation, type NewOrganisation } from '#access/create-organisation.ts'
import type { Config } from '#config/load-config.ts'
import { openDatabase } from '#db/database.ts'
import { startEmbeddedPostgres } from '#db/embedded-postgres.ts'
import { migrateToLatest } from '#db/migrate.ts'
import { installJobQueue } from '#jobs/queue.ts'
import { loadRingOf } from './root-secret.ts'

/** What the operator of a Hasp does on its database, without a running service. */
export type Operator = AsyncDisposable &
  Readonly<{
    /** Brings the schema up to this version. @returns the names of the migrations that were run */
    migrate: () => Promise<string[]>
    /** @throws {AccessError} `organisation_name_taken` */
    createOrganisation: (name: string) => Promise<NewOrganisation>
    /**
     * A new admin token for an organisation that has lost its last one.
     * @throws {AccessError} `organisation_not_found`
     */
    issueAdminToken: (organisationName: string) => Promise<NewOrganisation>
  }>

/**
 * Opens the database that `config` names, or Hasp's own, which may be in use by a running Hasp.
 * @throws {DatabaseError}
 */
export async function openOperator(config: Config, log: (message: string) => void): Promise<Operator> {
  await using stack = new AsyncDisposableStack()
  const connection =
    config.databaseUrl ?? stack.use(await startEmbeddedPostgres({ dataDir: config.dataDir, log })).connection
  const db = stack.use(openDatabase({ connection, poolMax: 4, applicationName: 'hasp:operator' }))
  const owned = stack.move()
  return {
    migrate: async () => {
      const migrations = await migrateToLatest(db)
      await installJobQueue(db)
      return migrations
    },
    createOrganisation: async (name) => {
      const ring = await loadRingOf(db, config)
      return createOrganisation({ db, ring, now: () => new Date() }, { name, actor: 'operator' })
    },
    issueAdminToken: async (organisationName) => {
      const ring = await loadRingOf(db, config)
      const orgId = await findOrganisationIdByName(db.kysely, organisationName)
      const issue = { orgId, actor: 'operator', name: 'from the operator', expiresAt: null }
      const { token } = await issueAdminToken({ db, ring, now: () => new Date() }, issue)
      return { orgId, name: organisationName, token }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
