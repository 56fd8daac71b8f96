import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cancelLifecycleJob } from '#jobs/cancel.ts'
import { queueJobsLeft } from '#jobs/queue-left.ts'
import { findJobStatus } from '#jobs/repository.ts'
import { RunEnd } from '#jobs/run-end.ts'
import { findKek, replaceKek } from '#keks/repository.ts'
import { KekFault } from '#kms/kek-fault.ts'
import { eraseTarget, findTarget } from '#targets/repository.ts'
import type { Kek } from '#keks/kek.ts'
import { createScene, secretOf, type Scene } from './scene.ts'

let scene: Scene
let from: Kek
let to: Kek
beforeEach(async () => {
  scene = await createScene()
  from = await scene.newKek()
  to = await scene.newKek()
})
afterEach(() => scene[Symbol.asyncDispose]())

const move = () => scene.start({ fromKekId: from.id, toKekId: to.id })
const statusOf = (jobId: string) => findJobStatus(scene.database.db.kysely, scene.ring, scene.orgId, jobId)
const expectMoved = async (targetIds: readonly string[], kek: Kek, versions = 1) => {
  for (const id of targetIds) {
    const opened = await scene.open(id)
    expect(opened.map(({ kekId }) => kekId)).toEqual(Array.from({ length: versions }, () => kek.id))
    expect(opened.map(({ secret, generation }) => [secret, generation])).toEqual(
      Array.from({ length: versions }, (_, i) => [secretOf(id, versions - i), versions - i]),
    )
    const target = await findTarget(scene.database.db.kysely, scene.ring, scene.orgId, id)
    expect(target.kekId).toBe(kek.id)
  }
}
const rewrappedTargets = async () =>
  (await scene.entries('target.rewrapped')).map((entry) => String(entry['targetId']))

describe('a move', () => {
  it('brings every version of every credential under the other KEK, each opening to what it was', async () => {
    const ids = await scene.newTargets(from, 12, 3)
    const job = await move()
    expect(await scene.go(job)).toBe('ended')
    await expectMoved(ids, to, 3)
    expect(await statusOf(job.id)).toMatchObject({
      job: { state: 'finished', stateReason: null },
      progress: { recordsTotal: 12, recordsDone: 12, recordsFailed: 0 },
    })
  })

  it('tells the ledger once of each record, naming KEKs, calls and job, and announces each unwrap before it', async () => {
    const [id = ''] = await scene.newTargets(from, 1, 2)
    const job = await move()
    await scene.go(job)
    const [entry, ...more] = await scene.entries('target.rewrapped')
    expect(more).toEqual([])
    expect(entry).toMatchObject({
      targetId: id,
      kekId: to.id,
      actor: `lifecycle-job:${job.id}`,
      details: { jobId: job.id, fromKekId: from.id, toKekId: to.id },
    })
    // The matcher above has seen that it is an object.
    const details = entry?.['details'] as { versions?: unknown } | undefined
    const announced = scene.intents.filter(({ purpose }) => purpose === 'credential')
    expect(announced.map(({ generation, kekId, epoch, actor }) => [generation, kekId, epoch, actor])).toEqual(
      [2, 1].map((generation) => [generation, from.id, null, `lifecycle-job:${job.id}`]),
    )
    expect(details?.versions).toEqual(
      announced.map(({ unwrapId, generation }) => ({
        generation,
        unwrapId,
        unwrapKmsRequestId: expect.any(String),
        wrapKmsRequestId: expect.any(String),
        fromMaterialId: expect.any(String),
        toMaterialId: expect.any(String),
      })),
    )
  })

  it('raises the epoch once, at its end, and not for each record', async () => {
    await scene.newTargets(from, 20)
    const epoch = async () => {
      const { rows } = await scene.database.db.pool.query('SELECT epoch FROM organisations WHERE id = $1', [
        scene.orgId,
      ])
      return Number(rows[0].epoch)
    }
    const before = await epoch()
    await scene.go(await move())
    expect(await epoch()).toBe(before + 1)
  })

  it('leaves what is under other KEKs alone', async () => {
    const third = await scene.newKek()
    const ids = await scene.newTargets(third, 2)
    await scene.newTargets(from, 1)
    expect(await scene.go(await move())).toBe('ended')
    await expectMoved(ids, third)
  })

  it('takes along what is stored under the KEK while it runs', async () => {
    const ids = await scene.newTargets(from, 5)
    let late: string[] = []
    scene.before.call = async (call, kekId) => {
      if (call !== 'wrap' || kekId !== to.id || late.length > 0) return undefined
      late = ['']
      late = await scene.newTargets(from, 2)
      return undefined
    }
    const job = await move()
    await scene.go(job)
    await expectMoved([...ids, ...late], to)
    expect((await statusOf(job.id)).progress.recordsDone).toBe(7)
  })
})

describe('a run that is interrupted', () => {
  it('is gone on with by another, and no record is left behind or done twice', async () => {
    // Far more than the calls of both runs and those under way at their ends.
    const ids = await scene.newTargets(from, 80)
    const job = await move()
    for (const callsMax of [15, 22]) {
      const dying = new AbortController()
      const callsBefore = scene.calls.length
      scene.before.call = () => {
        if (scene.calls.length - callsBefore > callsMax) dying.abort()
        return undefined
      }
      await expect(scene.go(job, dying.signal)).rejects.toThrow(RunEnd)
    }
    delete scene.before.call
    const { progress } = await statusOf(job.id)
    expect(progress.recordsDone).toBeGreaterThan(0)
    expect(progress.recordsDone).toBeLessThan(80)
    expect(await scene.go(job)).toBe('ended')
    await expectMoved(ids, to)
    expect((await rewrappedTargets()).toSorted()).toEqual(ids.toSorted())
    expect((await statusOf(job.id)).progress).toMatchObject({ recordsTotal: 80, recordsDone: 80 })
  })

  it('commits nothing any more once another run has the job, however late it wakes', async () => {
    const ids = await scene.newTargets(from, 3)
    const job = await move()
    const asleep = Promise.withResolvers<undefined>()
    const met = Promise.withResolvers<void>()
    scene.before.call = (call, kekId, record) => {
      if (call !== 'wrap' || kekId !== to.id || record !== ids[0]) return undefined
      met.resolve()
      return asleep.promise
    }
    const first = scene.go(job)
    await met.promise
    delete scene.before.call
    expect(await scene.go(job)).toBe('ended')
    asleep.resolve(undefined)
    expect(await first).toBe('superseded')
    await expectMoved(ids, to)
    expect((await rewrappedTargets()).toSorted()).toEqual(ids.toSorted())
    expect((await statusOf(job.id)).progress.recordsDone).toBe(3)
  })

  it('does nothing to a job that has ended', async () => {
    await scene.newTargets(from, 2)
    const job = await move()
    await scene.go(job)
    const callsBefore = scene.calls.length
    expect(await scene.go(job)).toBe('nothing')
    expect(scene.calls).toHaveLength(callsBefore)
  })
})

describe('cancelling', () => {
  it('lets no further record be done once it is answered, and leaves what was done', async () => {
    await scene.newTargets(from, 40)
    const job = await move()
    const met = Promise.withResolvers<void>()
    scene.before.call = () => {
      if (scene.calls.length > 30) met.resolve()
      return undefined
    }
    const running = scene.go(job)
    await met.promise
    const { job: cancelled, progress } = await cancelLifecycleJob(scene.deps, {
      orgId: scene.orgId,
      jobId: job.id,
      actor: 'operator',
    })
    expect(cancelled.state).toBe('cancelled')
    expect(await running).toBe('superseded')
    expect(await rewrappedTargets()).toHaveLength(progress.recordsDone)
    expect(progress.recordsDone).toBeLessThan(40)
    expect((await statusOf(job.id)).progress.recordsDone).toBe(progress.recordsDone)
  })

  it('is refused for a job that has ended', async () => {
    const job = await move()
    await scene.go(job)
    const cancelling = cancelLifecycleJob(scene.deps, {
      orgId: scene.orgId,
      jobId: job.id,
      actor: 'operator',
    })
    await expect(cancelling).rejects.toMatchObject({ code: 'lifecycle_job_ended' })
  })
})

describe('a KMS that fails', () => {
  it.each(['throttled', 'unreachable'] as const)('%s: waits, and does every record', async (kind) => {
    const ids = await scene.newTargets(from, 6)
    const job = await move()
    let faults = 0
    scene.before.call = () => {
      if (faults >= 3 || (faults > 0 && scene.calls.length < 6)) return undefined
      faults += 1
      return new KekFault(kind, 'injected', 'Not now.')
    }
    expect(await scene.go(job)).toBe('ended')
    expect(faults).toBe(3)
    await expectMoved(ids, to)
  })

  it('revoked: is blocked, says so, suspends the KEK, and goes on when it is back', async () => {
    const ids = await scene.newTargets(from, 6)
    const job = await move()
    scene.before.call = (call, kekId) =>
      call === 'unwrap' && kekId === from.id && scene.calls.length > 5
        ? new KekFault('revoked', 'DisabledException', 'The key is disabled.')
        : undefined
    expect(await scene.go(job)).toBe('blocked')
    expect(scene.revoked).toContain(from.id)
    const { job: blocked, progress } = await statusOf(job.id)
    expect(blocked).toMatchObject({
      state: 'blocked',
      stateReason: expect.stringContaining('The key is disabled.'),
    })
    expect(progress.recordsDone).toBeLessThan(6)
    expect(await scene.entries('lifecycle-job.blocked')).toHaveLength(1)

    // Tried again while nothing is better: the ledger has heard of it.
    expect(await scene.go(job)).toBe('blocked')
    expect(await scene.entries('lifecycle-job.blocked')).toHaveLength(1)
    delete scene.before.call
    expect(await scene.go(job)).toBe('ended')
    await expectMoved(ids, to)
    expect((await rewrappedTargets()).toSorted()).toEqual(ids.toSorted())
  })

  it('does not touch a record while the KEK to wrap under does not unwrap', async () => {
    await scene.newTargets(from, 3)
    const job = await move()
    scene.before.call = (call, kekId) =>
      call === 'unwrap' && kekId === to.id
        ? new KekFault('revoked', 'KeyDisabled', 'It wraps, and does not unwrap.')
        : undefined
    expect(await scene.go(job)).toBe('blocked')
    expect(scene.calls).toEqual([])
    expect(scene.revoked).toEqual([to.id])
  })

  it.each(['from', 'to'] as const)(
    'commits no record once the KEK to move %s is suspended',
    async (which) => {
      await scene.newTargets(from, 1)
      const job = await move()
      const { id } = which === 'from' ? from : to
      scene.before.call = async (call, kekId) => {
        if (call !== 'wrap' || kekId !== to.id) return undefined
        const { kysely } = scene.database.db
        const kek = await findKek(kysely, scene.ring, scene.orgId, id)
        await replaceKek(kysely, scene.ring, kek, { ...kek, state: 'suspended' })
        return undefined
      }
      expect(await scene.go(job)).toBe('blocked')
      expect(await rewrappedTargets()).toEqual([])
    },
  )

  it('is asked again after a while, by whoever looks', async () => {
    await scene.newTargets(from, 1)
    const job = await move()
    scene.before.call = () => new KekFault('misconfigured', 'region', 'Wrong region.')
    expect(await scene.go(job)).toBe('blocked')
    const queuedAfter = async (ms: number) => {
      const queued: string[] = []
      const now = () => new Date(Date.now() + ms)
      const enqueue = async (_: unknown, { jobId }: { jobId: string }) => void queued.push(jobId)
      await queueJobsLeft({ ...scene.deps, now, enqueue })
      return queued
    }
    expect(await queuedAfter(0)).toEqual([])
    expect(await queuedAfter(20_000)).toEqual([job.id])
  })
})

describe('a record', () => {
  it('that was tampered with fails, is named in the ledger, and keeps no other back', async () => {
    const [bad = '', ...good] = await scene.newTargets(from, 8)
    await scene.database.db.pool.query(`UPDATE credentials SET preview = 'forged' WHERE target_id = $1`, [
      bad,
    ])
    const job = await move()
    expect(await scene.go(job)).toBe('ended')
    await expectMoved(good, to)
    expect(await statusOf(job.id)).toMatchObject({
      job: { state: 'failed' },
      progress: { recordsDone: 7, recordsFailed: 1, lastError: expect.stringContaining(bad) },
    })
    expect(await scene.entries('target.rewrap-failed')).toMatchObject([
      { targetId: bad, kekId: from.id, details: { jobId: job.id, code: 'row_tampered' } },
    ])
    expect(scene.calls.filter(({ record }) => record === bad)).toEqual([])
  })

  it('that was deleted while its KEK was asked is not brought back', async () => {
    const [gone = '', ...kept] = await scene.newTargets(from, 3)
    scene.before.call = async (call, kekId, record) => {
      if (call === 'wrap' && kekId === to.id && record === gone) {
        await eraseTarget(scene.database.db.kysely, scene.orgId, gone).catch(() => {})
      }
      return undefined
    }
    const job = await move()
    expect(await scene.go(job)).toBe('ended')
    await expectMoved(kept, to)
    await expect(scene.open(gone)).rejects.toMatchObject({ code: 'target_not_found' })
  })
})

describe('a rewrap', () => {
  it('wraps the same DEKs anew under the same KEK, the canary too, and each record once', async () => {
    const ids = await scene.newTargets(from, 4, 2)
    const before = await sealedRows()
    const job = await scene.start({ kind: 'rewrap', fromKekId: from.id })
    expect(await scene.go(job)).toBe('ended')
    await expectMoved(ids, from, 2)
    const after = await sealedRows()
    for (const [i, row] of after.entries()) {
      expect(row.sealed).not.toBe(before[i]?.sealed)
      expect(row.dekCreatedAt).toEqual(before[i]?.dekCreatedAt)
    }
    expect(
      scene.calls.filter(({ call, purpose }) => call === 'wrap' && purpose === 'credential'),
    ).toHaveLength(ids.length * 2)
    const renewed = await findKek(scene.database.db.kysely, scene.ring, scene.orgId, from.id)
    expect(renewed.canary?.equals(from.canary ?? Buffer.alloc(0))).toBe(false)
  })
})

describe('a re-encryption', () => {
  it('seals under new DEKs, which the ledger tells apart from a rewrap', async () => {
    const ids = await scene.newTargets(from, 3, 2)
    const before = await sealedRows()
    const job = await scene.start({ kind: 're-encrypt', fromKekId: from.id })
    expect(await scene.go(job)).toBe('ended')
    await expectMoved(ids, from, 2)
    for (const [i, row] of (await sealedRows()).entries()) {
      expect(row.dekCreatedAt.getTime()).toBeGreaterThan(before[i]?.dekCreatedAt.getTime() ?? Infinity)
    }
    expect(await scene.entries('target.re-encrypted')).toHaveLength(3)
    expect(await rewrappedTargets()).toEqual([])
  })

  it('of one target leaves the others as they are', async () => {
    const [one = '', ...others] = await scene.newTargets(from, 3)
    const before = await sealedRows()
    const job = await scene.start({ kind: 're-encrypt', targetId: one })
    expect(job.fromKekId).toBe(from.id)
    await scene.go(job)
    const changed = (await sealedRows()).filter((row, i) => row.sealed !== before[i]?.sealed)
    expect(changed.map((row) => row.targetId)).toEqual([one])
    await expectMoved([one, ...others], from)
  })
})

async function sealedRows() {
  const { rows } = await scene.database.db.pool.query<{
    target_id: string
    sealed: Buffer
    dek_created_at: Date
  }>('SELECT target_id, sealed, dek_created_at FROM credentials ORDER BY target_id, generation')
  return rows.map((row) => ({
    targetId: row.target_id,
    sealed: row.sealed.toString('hex'),
    dekCreatedAt: row.dek_created_at,
  }))
}
