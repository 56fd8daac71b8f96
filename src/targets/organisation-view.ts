import { LRUCache } from 'lru-cache'
import type { Database, Db } from '#db/database.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import type { Kek } from '#keks/kek.ts'
import type { LendableTarget } from './lendable.ts'
import { SharedLoads } from './shared-loads.ts'
import { noRows, readVerifiedRows, type VerifiedRows } from './verified-rows.ts'

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
  readonly #views = new LRUCache<string, OrganisationView>({ max: viewsMax })
  readonly #loads = new SharedLoads<OrganisationView>({
    load: (orgId) => this.#load(orgId),
    onLoaded: (orgId, view) => void this.#views.set(orgId, view),
  })
  /** What of the rows need not be read again for the next view. */
  readonly #rows = new LRUCache<string, VerifiedRows>({ max: viewsMax })
  /** The highest epoch seen of each organisation: it never falls, unless somebody writes it back in the database. */
  readonly #epochs = new LRUCache<string, bigint>({ max: epochsMax })
  /** The highest epoch that this node was told of, until the database says otherwise. */
  readonly #heard = new LRUCache<string, string>({ max: epochsMax })

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The view in hand, or a fresh one, which all who ask meanwhile share. */
  find(orgId: string): Promise<OrganisationView> | OrganisationView {
    return this.#views.get(orgId) ?? this.#loads.ask(orgId)
  }

  /** Whether nothing of the organisation changed since `view` was read: whoever is refused is refused for what is. */
  async isCurrent(view: OrganisationView): Promise<boolean> {
    return (await this.#deps.readEpoch(this.#deps.db.kysely, view.orgId)) === view.epoch
  }

  /**
   * `view` is outdated. Neither one that has taken its place nor one that is being read is dropped: all whose receipts are
   * stale at the same time would each have another read.
   */
  forget(view: OrganisationView): void {
    if (this.#views.peek(view.orgId) === view) this.#views.delete(view.orgId)
  }

  /** Another node, or this one, told that the organisation is at `epoch` now. */
  hear(orgId: string, epoch: string): void {
    this.#views.delete(orgId)
    this.#loads.overtake(orgId)
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
    this.#loads.abandonAll()
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
      const keks = await this.#deps.findKeksOfOrg(trx, ring, orgId, note('keks'))
      const held = this.#rows.get(orgId) ?? noRows
      const read = await readVerifiedRows(trx, {
        ring,
        orgId,
        keks,
        held,
        onTampered: (table, id) => note(table)(id),
      })
      if (!this.#isForward(orgId, epoch)) {
        note('organisations')(orgId)
        return { orgId, epoch, readAtMs, targets: [], tamperedTargetIds: tampered.union(read.rows) }
      }
      this.#rows.set(orgId, read)
      const targets: LendableTarget[] = []
      for (const [id, { target, lendable }] of read.rows) {
        if (lendable !== null) targets.push(lendable)
        // One alarm for each cause: a row that this target needs was told of already.
        else if (tampered.has(id) || tampered.has(target.kekId)) tampered.add(id)
        else note('targets')(id)
      }
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
