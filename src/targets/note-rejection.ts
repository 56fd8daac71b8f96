import { LRUCache } from 'lru-cache'
import type { Database } from '#db/database.ts'
import { newId } from '#db/ids.ts'
import { appendEntry } from '#ledger/append.ts'
import { findHealth, recordVerification } from './health-repository.ts'

type Rejected = Readonly<{ orgId: string; targetId: string; generation: number }>

type Deps = Readonly<{
  db: Database
  now: () => Date
  monotonicMs?: () => number
}>

/** How often one credential version is looked at, however many calls it fails. */
const lookedAtEveryMs = 60_000
const credentialsMax = 10_000

/** What providers say of credentials in use, at most once a minute for each, on this node. */
export class RejectionNotes {
  readonly #deps: Deps
  readonly #noted: LRUCache<string, true>

  constructor(deps: Deps) {
    this.#deps = deps
    const { monotonicMs = () => performance.now() } = deps
    this.#noted = new LRUCache({
      max: credentialsMax,
      ttl: lookedAtEveryMs,
      ttlResolution: 0,
      perf: { now: monotonicMs },
    })
  }

  /**
   * The provider refused a credential in use: the target shows it, and the ledger says when it began. Further
   * refusals of a target that shows it already change nothing. What could not be written may be tried again at once.
   */
  async note(rejected: Rejected): Promise<void> {
    const credential = `${rejected.targetId}:${rejected.generation}`
    if (this.#noted.has(credential)) return
    this.#noted.set(credential, true)
    try {
      await writeDown(this.#deps, rejected)
    } catch (error) {
      this.#noted.delete(credential)
      throw error
    }
  }
}

async function writeDown(deps: Deps, { orgId, targetId, generation }: Rejected): Promise<void> {
  const detail = `The provider answered 401 to credential version ${generation}.`
  await deps.db.transaction(async (trx) => {
    const health = (await findHealth(trx, orgId, [targetId])).get(targetId)
    if (health === undefined || (health.verification === 'rejected' && health.detail === detail)) return
    const at = deps.now()
    await recordVerification(trx, { orgId, targetId, at, verification: 'rejected', detail })
    await appendEntry(trx, {
      entryId: newId(),
      orgId,
      kind: 'target.credential-rejected',
      actor: 'proxy',
      occurredAt: at,
      targetId,
      details: { generation },
    })
  })
}
