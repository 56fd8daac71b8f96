import { LRUCache } from 'lru-cache'
import type { Database, Db } from '#db/database.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import type { Kek } from '#keks/kek.ts'
import { lendableTarget, type LendableTarget } from './lendable.ts'
import { readVerifiedRows, type VerifiedRow, type VerifiedRows } from './verified-rows.ts'

/** What one organisation may lend, as of one epoch. */
export type OrganisationView = Readonly<{
  orgId: string
  epoch: string
  /** When it was asked for, on the process's monotonic clock. */
  readAtMs: number
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
const epochsMax = 100_000

/**
 * Keeps the views of the organisations at work. A view is right for its epoch and never refreshed in place: a
 * receipt commits only under the organisation's present epoch, so an outdated view can lend nothing.
 */
export class OrganisationViews {
  readonly #deps: Deps
  readonly #views = new LRUCache<string, Promise<OrganisationView> | OrganisationView>({ max: viewsMax })
  /** What of the rows need not be read again for the next view. */
  readonly #rows = new LRUCache<string, VerifiedRows>({ max: viewsMax })
  /** The highest epoch seen of each organisation: it never falls, unless somebody writes it back in the database. */
  readonly #epochs = new LRUCache<string, bigint>({ max: epochsMax })
  /** The highest epoch that this node was told of, until the database says otherwise. */
  readonly #heard = new LRUCache<string, string>({ max: epochsMax })

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The view in hand, or a fresh one. */
  find(orgId: string): Promise<OrganisationView> | OrganisationView {
    const held = this.#views.get(orgId)
    if (held !== undefined) return held
    const loading = this.#load(orgId)
    this.#views.set(orgId, loading)
    const settle = (view?: OrganisationView) => {
      if (this.#views.peek(orgId) !== loading) return
      if (view === undefined) this.#views.delete(orgId)
      else this.#views.set(orgId, view)
    }
    loading.then(settle, () => settle())
    return loading
  }

  /** Whether nothing of the organisation changed since `view` was read: whoever is refused is refused for what is. */
  async isCurrent(view: OrganisationView): Promise<boolean> {
    return (await this.#deps.readEpoch(this.#deps.db.kysely, view.orgId)) === view.epoch
  }

  forget(orgId: string): void {
    this.#views.delete(orgId)
  }

  /** Another node, or this one, told that the organisation is at `epoch` now. */
  hear(orgId: string, epoch: string): void {
    this.#views.delete(orgId)
    if (!isLater(epoch, this.#heard.get(orgId))) return
    this.#heard.set(orgId, epoch)
  }

  /** Whether this node heard that the organisation is beyond `epoch`. A node may miss what it is told. */
  isOvertaken(orgId: string, epoch: string): boolean {
    const heard = this.#heard.get(orgId)
    return heard !== undefined && heard !== epoch && isLater(heard, epoch)
  }

  forgetAll(): void {
    this.#views.clear()
  }

  /** Reads epoch and rows in one snapshot of the database. */
  async #load(orgId: string): Promise<OrganisationView> {
    const { ring, onTampered } = this.#deps
    const readAtMs = performance.now()
    const heard = this.#heard.get(orgId)
    return this.#deps.db.snapshot(async (trx) => {
      const epoch = await this.#deps.readEpoch(trx, orgId)
      // A change is told of after it has committed: one that is not there by now never was.
      if (heard !== undefined && this.#heard.get(orgId) === heard && isLater(heard, epoch))
        this.#heard.delete(orgId)
      const tampered = new Set<string>()
      const note = (table: string) => (id: string) => {
        onTampered({ orgId, table, id })
        tampered.add(id)
      }
      const keks = byId(await this.#deps.findKeksOfOrg(trx, ring, orgId, note('keks')), (kek) => kek.id)
      const held = this.#rows.get(orgId) ?? new Map()
      const found = await readVerifiedRows(trx, ring, orgId, held, (table, id) => note(table)(id))
      if (!this.#isForward(orgId, epoch)) {
        note('organisations')(orgId)
        return { orgId, epoch, readAtMs, targets: [], tamperedTargetIds: tampered.union(found) }
      }
      const targets: LendableTarget[] = []
      const rows = new Map<string, VerifiedRow>()
      for (const [id, row] of found) {
        const lendable = join(row, keks.get(row.target.kekId))
        rows.set(id, { ...row, lendable })
        if (lendable !== null) targets.push(lendable)
        // One alarm for each cause: a row that this target needs was told of already.
        else if (tampered.has(id) || tampered.has(row.target.kekId)) tampered.add(id)
        else note('targets')(id)
      }
      this.#rows.set(orgId, rows)
      return { orgId, epoch, readAtMs, targets, tamperedTargetIds: tampered }
    })
  }

  /** Whether `epoch` is not below one that was seen before; remembers it. */
  #isForward(orgId: string, epoch: string): boolean {
    const seen = this.#epochs.get(orgId)
    const present = BigInt(epoch)
    if (seen !== undefined && present < seen) return false
    this.#epochs.set(orgId, present)
    return true
  }
}

function isLater(epoch: string, than: string | undefined): boolean {
  return than === undefined || BigInt(epoch) > BigInt(than)
}

/** Null where a row is missing, or the rows contradict one another. */
function join({ target, credential, lendable }: VerifiedRow, kek: Kek | undefined): LendableTarget | null {
  if (credential === undefined || kek === undefined) return null
  if (lendable !== null && isSameKey(lendable.kek, kek)) {
    return { ...lendable, kek, record: { ...lendable.record, kek } }
  }
  try {
    return lendableTarget(target, credential, kek)
  } catch {
    return null
  }
}

/** Whether all that `lendableTarget` asks of a KEK is as it was; rules and state may be others. */
function isSameKey(a: Kek, b: Kek): boolean {
  return a.id === b.id && a.kekRef === b.kekRef && a.access.provider === b.access.provider
}

function byId<Entity>(entities: readonly Entity[], idOf: (entity: Entity) => string): Map<string, Entity> {
  return new Map(entities.map((entity) => [idOf(entity), entity]))
}
