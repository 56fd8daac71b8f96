import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readEpoch } from '#access/organisation-repository.ts'
import type { Kek } from '#keks/kek.ts'
import { findKeksOfOrg, replaceKek } from '#keks/repository.ts'
import { OrganisationViews } from '#targets/organisation-view.ts'
import { eraseTarget, findTarget, replaceTarget } from '#targets/repository.ts'
import { createScene, type Scene } from '../jobs/scene.ts'

let scene: Scene
let kek: Kek
let ids: string[]
let alarms: object[]
let views: OrganisationViews
beforeEach(async () => {
  scene = await createScene()
  kek = await scene.newKek()
  ids = await scene.newTargets(kek, 3)
  alarms = []
  const { database, ring } = scene
  const onTampered = (what: object) => void alarms.push(what)
  views = new OrganisationViews({ db: database.db, ring, readEpoch, findKeksOfOrg, onTampered })
  await views.find(scene.orgId)
})
afterEach(() => scene[Symbol.asyncDispose]())

/** The view after a change that was told of. */
const readAgain = async () => {
  views.forget(await views.find(scene.orgId))
  return views.find(scene.orgId)
}
const query = (text: string, values: unknown[] = []) => scene.database.db.pool.query(text, values)

describe('a view that is read again, with most rows as they were', () => {
  it('shows what was stored, changed and deleted since, in the order of storing', async () => {
    const [first = '', second = '', third = ''] = ids
    const [added = ''] = await scene.newTargets(kek, 1)
    const { kysely } = scene.database.db
    const before = await findTarget(kysely, scene.ring, scene.orgId, second)
    await replaceTarget(kysely, scene.ring, before, { ...before, name: 'renamed' })
    await eraseTarget(kysely, scene.orgId, first)
    const { targets } = await readAgain()
    expect(targets.map(({ target }) => [target.id, target.name])).toEqual([
      [second, 'renamed'],
      [third, third],
      [added, added],
    ])
  })

  it('holds the new seal and the new KEK of what a job has moved', async () => {
    const other = await scene.newKek()
    const old = await views.find(scene.orgId)
    const job = await scene.start({ fromKekId: kek.id, toKekId: other.id })
    expect(await scene.go(job)).toBe('ended')
    const { targets } = await readAgain()
    expect(targets.map((lendable) => lendable.kek.id)).toEqual(ids.map(() => other.id))
    for (const [i, { record }] of targets.entries()) {
      expect(record.context.kek).toBe(other.id)
      expect(record.envelope.messageId.equals(old.targets[i]?.record.envelope.messageId ?? Buffer.of())).toBe(
        false,
      )
    }
  })

  it('goes by the rules and the state that a KEK has now', async () => {
    const { kysely } = scene.database.db
    await replaceKek(kysely, scene.ring, kek, { ...kek, unwrapMode: 'cached', state: 'suspended' })
    const { targets } = await readAgain()
    expect(targets).toHaveLength(3)
    for (const { kek: shown, record } of targets) {
      expect(shown).toMatchObject({ unwrapMode: 'cached', state: 'suspended' })
      expect(record.kek).toBe(shown)
    }
  })

  it.each([
    ['targets', 'id', `name = 'forged'`],
    ['targets', 'id', `base_url = 'https://evil.example'`],
    ['credentials', 'target_id', `sealed = sealed || '\\x00'`],
    ['credentials', 'target_id', `mac = '\\x00'`],
  ])(
    'lends nothing of a row of %s that was edited since, and raises the alarm each time',
    async (table, id, edit) => {
      const [victim = '', ...others] = ids
      await query(`UPDATE ${table} SET ${edit} WHERE ${id} = $1`, [victim])
      for (let read = 1; read <= 2; read += 1) {
        const { targets, tamperedTargetIds } = await readAgain()
        expect(targets.map(({ target }) => target.id)).toEqual(others)
        expect([...tamperedTargetIds]).toEqual([victim])
        expect(alarms).toHaveLength(read)
      }
    },
  )

  it('lends a row again that was put right', async () => {
    const [victim = ''] = ids
    await query(`UPDATE credentials SET preview = 'x' || preview WHERE target_id = $1`, [victim])
    expect((await readAgain()).targets).toHaveLength(2)
    await query(`UPDATE credentials SET preview = substr(preview, 2) WHERE target_id = $1`, [victim])
    const { targets, tamperedTargetIds } = await readAgain()
    expect(targets.map(({ target }) => target.id)).toEqual(ids)
    expect([...tamperedTargetIds]).toEqual([])
  })
})
