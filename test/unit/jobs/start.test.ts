import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '#db/ids.ts'
import { runJob } from '#jobs/run.ts'
import { findKek, replaceKek } from '#keks/repository.ts'
import type { Kek } from '#keks/kek.ts'
import { createScene, type Scene } from './scene.ts'

let scene: Scene
let from: Kek
let to: Kek
beforeAll(async () => {
  scene = await createScene()
  from = await scene.newKek()
  to = await scene.newKek()
})
afterAll(() => scene[Symbol.asyncDispose]())

describe('starting a job', () => {
  it.each([
    ['a move to nowhere', { kind: 'move' }, 'lifecycle_job_invalid'],
    ['a rewrap to another KEK', { kind: 'rewrap', toKekId: 'to' }, 'lifecycle_job_invalid'],
    ['a move to where everything is', { kind: 'move', toKekId: 'from' }, 'lifecycle_job_invalid'],
    ['a re-encryption of nothing', { kind: 're-encrypt', fromKekId: undefined }, 'lifecycle_job_invalid'],
    ['a KEK that does not exist', { kind: 'move', toKekId: newId() }, 'kek_not_found'],
    ['a target that does not exist', { kind: 're-encrypt', targetId: newId() }, 'target_not_found'],
  ] as const)('refuses %s', async (_, job, code) => {
    const { toKekId } = { toKekId: undefined, ...job }
    const named = toKekId === 'to' ? to.id : toKekId === 'from' ? from.id : toKekId
    const starting = scene.start({ fromKekId: from.id, ...job, toKekId: named })
    await expect(starting).rejects.toMatchObject({ code })
    expect(await jobsInDatabase()).toBe(0)
  })

  it('refuses a KEK of another organisation as if it were none', async () => {
    const foreign = await scene.newKek(await scene.newOrganisation())
    for (const job of [
      { fromKekId: from.id, toKekId: foreign.id },
      { fromKekId: foreign.id, toKekId: to.id },
    ]) {
      await expect(scene.start(job)).rejects.toMatchObject({ code: 'kek_not_found' })
    }
    expect(await jobsInDatabase()).toBe(0)
  })

  it.each(['pre-activation', 'suspended', 'deactivated'] as const)(
    'refuses a KEK that is %s',
    async (state) => {
      const kek = await scene.newKek()
      await replaceKek(scene.database.db.kysely, scene.ring, kek, { ...kek, state })
      for (const job of [
        { fromKekId: from.id, toKekId: kek.id },
        { fromKekId: kek.id, toKekId: to.id },
      ]) {
        await expect(scene.start(job)).rejects.toMatchObject({ code: 'kek_not_active' })
      }
      expect(await jobsInDatabase()).toBe(0)
    },
  )

  it('refuses jobs that would cross another, and takes them when it has ended', async () => {
    const third = await scene.newKek()
    const first = await scene.start({ fromKekId: from.id, toKekId: to.id })
    for (const job of [
      { fromKekId: from.id, toKekId: third.id },
      { fromKekId: to.id, toKekId: from.id },
      { fromKekId: to.id, toKekId: third.id },
      { fromKekId: third.id, toKekId: from.id },
      { kind: 'rewrap', fromKekId: to.id },
    ] as const) {
      await expect(scene.start(job), JSON.stringify(job)).rejects.toMatchObject({
        code: 'lifecycle_job_under_way',
        message: expect.stringContaining(first.id),
      })
    }
    await scene.start({ fromKekId: third.id, toKekId: to.id })
    expect(await scene.go(first)).toBe('ended')
    expect((await scene.start({ fromKekId: from.id, toKekId: to.id })).state).toBe('pending')
  })
})

describe('a job that the database holder wrote', () => {
  let victim: Kek
  let thief: Kek
  let targets: string[]
  beforeAll(async () => {
    victim = await scene.newKek()
    thief = await scene.newKek()
    targets = await scene.newTargets(victim, 2)
  })

  it.each([
    ['to another KEK', (): string => `to_kek_id = '${thief.id}'`],
    ['from another KEK', (): string => `from_kek_id = '${victim.id}', to_kek_id = '${thief.id}'`],
    ['of another kind', (): string => `kind = 're-encrypt'`],
    ['under way again', (): string => `state = 'running', ended_at = NULL`],
    ['faster', (): string => `records_per_second_max = 999`],
  ] as const)('by editing one: %s: moves nothing, and an alarm is raised', async (_, edit: () => string) => {
    const other = await scene.newKek()
    const job = await scene.start({ fromKekId: other.id, toKekId: to.id })
    await scene.database.db.pool.query(`UPDATE lifecycle_jobs SET ${edit()} WHERE id = $1`, [job.id])
    const alarms: object[] = []
    const { calls, run } = scene
    calls.length = 0
    const onTampered = (what: object) => void alarms.push(what)
    const signal = new AbortController().signal
    expect(await runJob({ ...run, onTampered }, { orgId: scene.orgId, jobId: job.id }, signal)).toBe(
      'nothing',
    )
    expect(alarms).toEqual([{ table: 'lifecycle_jobs', id: job.id }])
    expect(calls).toEqual([])
    await scene.database.db.pool.query('DELETE FROM lifecycle_job_progress WHERE job_id = $1', [job.id])
    await scene.database.db.pool.query('DELETE FROM lifecycle_jobs WHERE id = $1', [job.id])
  })

  it('does not give a job to another organisation’s run', async () => {
    const job = await scene.start({ fromKekId: victim.id, toKekId: thief.id })
    const going = scene.go({ ...job, orgId: await scene.newOrganisation() })
    await expect(going).rejects.toMatchObject({ code: 'lifecycle_job_not_found' })
    for (const id of targets) expect((await scene.open(id)).map(({ kekId }) => kekId)).toEqual([victim.id])
  })

  it('can not make a KEK that is not the organisation’s a destination', async () => {
    const foreign = await scene.newKek(await scene.newOrganisation())
    // The foreign key alone refuses it; and the mac, were it dropped.
    const changing = scene.database.db.pool.query(`UPDATE lifecycle_jobs SET to_kek_id = $1`, [foreign.id])
    await expect(changing).rejects.toMatchObject({ code: '23503' })
    expect((await findKek(scene.database.db.kysely, scene.ring, foreign.orgId, foreign.id)).id).toBe(
      foreign.id,
    )
  })
})

async function jobsInDatabase(): Promise<number> {
  const { rows } = await scene.database.db.pool.query('SELECT count(*)::int AS count FROM lifecycle_jobs')
  return rows[0].count
}
