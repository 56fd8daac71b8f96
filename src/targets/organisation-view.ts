import { LRUCache } from 'lru-cache'
import type { Database, Db } from '#db/database.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import type { Kek } from '#keks/kek.ts'
import { lendableTarget, type LendableTarget } from './lendable.ts'
import { findCurrentCredentialsOfOrg, findTargetsOfOrg } from './repository.ts'

/** What one organisation may lend, as of one epoch. */
export type OrganisationView = Readonly<{
  orgId: string
  epoch: string
  /** In the order in which they were stored. */
  targets: readonly LendableTarget[]
  /** Targets whose rows were tampered with: they exist, and are never opened. */
  tamperedTargetIds: ReadonlySet<string>
}>

type Deps = Readonly<{
  db: Database
  ring: SecretRing
  readEpoch: (db: Db, orgId: string) => Promise<string>
  findKeksOfOrg: (
    db: Db,
    ring: SecretRing,
    orgId: string,
    onTampered: (kekId: string) => void,
  ) => Promise<Kek[]>
  onTampered: (what: { orgId: string; table: string; id: string }) => void
}>

const viewsMax = 1000

/**
 * Keeps the views of the organisations at work. A view is right for its epoch and never refreshed in place: a
 * receipt commits only under the organisation's present epoch, so an outdated view can lend nothing.
 */
export class OrganisationViews {
  readonly #deps: Deps
  readonly #views = new LRUCache<string, Promise<OrganisationView>>({ max: viewsMax })

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The view in hand, or a fresh one. */
  find(orgId: string): Promise<OrganisationView> {
    const held = this.#views.get(orgId)
    if (held !== undefined) return held
    const loading = this.#load(orgId)
    this.#views.set(orgId, loading)
    loading.catch(() => {
      if (this.#views.peek(orgId) === loading) this.#views.delete(orgId)
    })
    return loading
  }

  forget(orgId: string): void {
    this.#views.delete(orgId)
  }

  forgetAll(): void {
    this.#views.clear()
  }

  /** Reads epoch and rows in one snapshot of the database. */
  async #load(orgId: string): Promise<OrganisationView> {
    const { ring, onTampered } = this.#deps
    return this.#deps.db.snapshot(async (trx) => {
      const epoch = await this.#deps.readEpoch(trx, orgId)
      const tampered = new Set<string>()
      const note = (table: string) => (id: string) => {
        onTampered({ orgId, table, id })
        tampered.add(id)
      }
      const keks = new Map(
        (await this.#deps.findKeksOfOrg(trx, ring, orgId, note('keks'))).map((kek) => [kek.id, kek]),
      )
      const credentials = new Map(
        (await findCurrentCredentialsOfOrg(trx, ring, orgId, note('credentials'))).map((one) => [
          one.targetId,
          one,
        ]),
      )
      const targets: LendableTarget[] = []
      for (const target of await findTargetsOfOrg(trx, ring, orgId, note('targets'))) {
        const credential = credentials.get(target.id)
        const kek = keks.get(target.kekId)
        try {
          if (credential === undefined || kek === undefined)
            throw new Error('A row that this target needs is missing.')
          targets.push(lendableTarget(target, credential, kek))
        } catch {
          note('targets')(target.id)
        }
      }
      return { orgId, epoch, targets, tamperedTargetIds: tampered }
    })
  }
}
