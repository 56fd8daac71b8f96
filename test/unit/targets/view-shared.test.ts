import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readEpoch } from '#access/organisation-repository.ts'
import type { Kek } from '#keks/kek.ts'
import { findKeksOfOrg, replaceKek } from '#keks/repository.ts'
import { OrganisationViews } from '#targets/organisation-view.ts'
import { eraseTarget } from '#targets/repository.ts'
import { createScene, type Scene } from '../jobs/scene.ts'

let scene: Scene
let kek: Kek
let views: OrganisationViews
let reads: number
/** Holds a reading up once its snapshot is taken. */
let afterEpoch: (() => Promise<void>) | undefined
const alarms: object[] = []
beforeEach(async () => {
  scene = await createScene()
  kek = await scene.newKek()
  reads = 0
  afterEpoch = undefined
  alarms.length = 0
  const { database, ring } = scene
  views = new OrganisationViews({
    db: database.db,
    ring,
    readEpoch: async (db, orgId) => {
      const epoch = await readEpoch(db, orgId)
      reads += 1
      await afterEpoch?.()
      return epoch
    },
    findKeksOfOrg,
    onTampered: (what) => void alarms.push(what),
  })
})
afterEach(() => scene[Symbol.asyncDispose]())

const find = () => views.find(scene.orgId)
const idsOf = ({ targets }: Awaited<ReturnType<typeof find>>) => targets.map(({ target }) => target.id)

/** Commits what changes, and raises the epoch with it as every change does. @returns the new epoch. */
async function change(work: () => Promise<unknown>): Promise<string> {
  await work()
  const { rows } = await scene.database.db.pool.query<{ epoch: string }>(
    'UPDATE organisations SET epoch = epoch + 1 WHERE id = $1 RETURNING epoch',
    [scene.orgId],
  )
  return rows[0]?.epoch ?? ''
}

describe('a view that many need anew at the same time', () => {
  it('is read once for all whose decisions it made stale, however many', async () => {
    const [first = '', second = ''] = await scene.newTargets(kek, 2)
    const outdated = await find()
    await change(() => eraseTarget(scene.database.db.kysely, scene.orgId, first))
    reads = 0
    const decideAnew = async () => {
      views.forget(outdated)
      return find()
    }
    const shown = await Promise.all(Array.from({ length: 50 }, decideAnew))
    expect(shown.map(idsOf)).toEqual(shown.map(() => [second]))
    // One whose receipt comes back late finds the new view in its place.
    expect(idsOf(await decideAnew())).toEqual([second])
    expect(reads).toBe(1)
  })

  it('does not show what was deleted while it was read to anybody who asks once that was told of', async () => {
    const [first = '', second = ''] = await scene.newTargets(kek, 2)
    const snapshot = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    afterEpoch = () => {
      snapshot.resolve()
      return goOn.promise
    }
    const before = find()
    await snapshot.promise
    afterEpoch = undefined
    const epoch = await change(() => eraseTarget(scene.database.db.kysely, scene.orgId, first))
    views.hear(scene.orgId, epoch)
    const after = find()
    goOn.resolve()

    // Right for its epoch, under which no receipt commits any more.
    expect(BigInt((await before).epoch)).toBeLessThan(BigInt(epoch))
    expect(await after).toMatchObject({ epoch })
    expect(idsOf(await after)).toEqual([second])
    expect(await find()).toBe(await after)
    expect(reads).toBe(2)
  })

  it('is not kept where something changed while it was read, though nobody asked meanwhile', async () => {
    const [only = ''] = await scene.newTargets(kek, 1)
    const goOn = Promise.withResolvers<void>()
    const snapshot = Promise.withResolvers<void>()
    afterEpoch = () => {
      snapshot.resolve()
      return goOn.promise
    }
    const before = find()
    await snapshot.promise
    afterEpoch = undefined
    views.hear(scene.orgId, await change(() => eraseTarget(scene.database.db.kysely, scene.orgId, only)))
    goOn.resolve()
    await before
    expect(idsOf(await find())).toEqual([])
  })

  it('is read by somebody else where all is forgotten while a reading hangs', async () => {
    await scene.newTargets(kek, 1)
    const goOn = Promise.withResolvers<void>()
    const snapshot = Promise.withResolvers<void>()
    afterEpoch = () => {
      snapshot.resolve()
      return goOn.promise
    }
    const hanging = find()
    await snapshot.promise
    afterEpoch = undefined
    views.forgetAll()
    const fresh = await find()
    expect(idsOf(fresh)).toHaveLength(1)
    goOn.resolve()
    await hanging
    expect(await find()).toBe(fresh)
  })
})

describe('a view of more targets than are verified at once', () => {
  it('shows all of them in the order of storing, and none whose row was edited', async () => {
    const lanes = Array.from({ length: 5 }, () => scene.newTargets(kek, 52))
    const ids = (await Promise.all(lanes)).flat().toSorted()
    const victims = ids.filter((_, index) => [3, 249, 250, 259].includes(index))
    const { pool } = scene.database.db
    await pool.query(`UPDATE targets SET name = name || 'x' WHERE id = ANY ($1)`, [victims])
    const view = await find()
    expect(idsOf(view)).toEqual(ids.filter((id) => !victims.includes(id)))
    expect([...view.tamperedTargetIds].toSorted()).toEqual(victims)
    expect(alarms).toHaveLength(4)
  })

  it('shows a KEK as it is each time it changes', async () => {
    await scene.newTargets(kek, 1)
    const { kysely } = scene.database.db
    const shown: string[] = []
    let before = kek
    for (const state of ['suspended', 'active', 'suspended'] as const) {
      const after: Kek = { ...before, state }
      await replaceKek(kysely, scene.ring, before, after)
      before = after
      views.forget(await find())
      const [only] = (await find()).targets
      shown.push(`${only?.kek.state} ${only?.record.kek.state}`)
    }
    expect(shown).toEqual(['suspended suspended', 'active active', 'suspended suspended'])
  })
})
