import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { RejectionNotes } from '#targets/note-rejection.ts'
import { findHealth, recordVerification } from '#targets/health-repository.ts'
import { createScene, type Scene } from '../jobs/scene.ts'

describe('a credential that its provider refuses, call after call', () => {
  let scene: Scene
  let targetId: string
  let otherId: string
  let nowMs: number
  let notes: RejectionNotes
  beforeAll(async () => {
    scene = await createScene()
  })
  afterAll(() => scene[Symbol.asyncDispose]())
  beforeEach(async () => {
    const ids = await scene.newTargets(await scene.newKek(), 2)
    for (const id of ids)
      await scene.database.db.kysely
        .insertInto('target_health')
        .values({ org_id: scene.orgId, target_id: id })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    targetId = ids[0] ?? ''
    otherId = ids[1] ?? ''
    nowMs = 1_000
    notes = new RejectionNotes({
      db: scene.database.db,
      now: () => new Date(),
      monotonicMs: () => nowMs,
    })
  })
  afterEach(() => vi.restoreAllMocks())

  const note = (id = targetId, generation = 1) => notes.note({ orgId: scene.orgId, targetId: id, generation })
  const health = async () =>
    (await findHealth(scene.database.db.kysely, scene.orgId, [targetId])).get(targetId)
  const detail = 'The provider answered 401 to credential version 1.'
  const spy = () => vi.spyOn(scene.database.db, 'transaction')

  it('shows at its target and in the ledger, and costs the database one transaction a minute', async () => {
    const before = (await scene.entries('target.credential-rejected')).length
    const transaction = spy()
    await Promise.all(Array.from({ length: 50 }, () => note()))
    nowMs += 59_999
    await note()
    expect(transaction).toHaveBeenCalledTimes(1)
    expect(await health()).toMatchObject({ verification: 'rejected', detail })
    expect(await scene.entries('target.credential-rejected')).toHaveLength(before + 1)
    nowMs += 2
    await note()
    expect(transaction).toHaveBeenCalledTimes(2)
    expect(await scene.entries('target.credential-rejected')).toHaveLength(before + 1)
  })

  it('is told apart from another target’s, and from its own next version', async () => {
    const transaction = spy()
    await note()
    await note(otherId)
    await note(targetId, 2)
    expect(transaction).toHaveBeenCalledTimes(3)
    expect(await health()).toMatchObject({ detail: 'The provider answered 401 to credential version 2.' })
  })

  it('shows again within a minute or so after somebody found it good', async () => {
    await note()
    const good = {
      orgId: scene.orgId,
      targetId,
      at: new Date(),
      verification: 'accepted' as const,
      detail: null,
    }
    await recordVerification(scene.database.db.kysely, good)
    nowMs += 60_001
    await note()
    expect(await health()).toMatchObject({ verification: 'rejected', detail })
  })

  it('is written down by the next call where the database was away', async () => {
    spy().mockRejectedValueOnce(new Error('Connection terminated unexpectedly'))
    await expect(note()).rejects.toThrow('Connection terminated')
    await note()
    expect(await health()).toMatchObject({ verification: 'rejected', detail })
  })
})
