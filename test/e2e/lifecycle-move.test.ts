import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { callModel } from '../support/agent-calls.ts'
import { waitUntil } from '../support/data-dir.ts'
import { openaiCredential, startLendingHasp } from '../support/lending-hasp.ts'
import { addAwsKek, type AnotherKek } from '../support/more-keks.ts'
import type { AnyJson } from '../support/running-hasp.ts'

let scene: Awaited<ReturnType<typeof startLendingHasp>>
let other: AnotherKek
beforeAll(async () => {
  scene = await startLendingHasp()
  other = await addAwsKek(scene.hasp, scene.surroundings, 'other')
})
afterAll(() => scene[Symbol.asyncDispose]())

const api = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  scene.hasp.api(method, path, body, headers)
const start = async (job: object): Promise<AnyJson> => {
  const { status, body } = await api('POST', '/lifecycle-jobs', job)
  expect(status, JSON.stringify(body)).toBe(201)
  return body
}
const ended = async (id: string): Promise<AnyJson> => {
  let job: AnyJson
  await waitUntil(async () => {
    job = (await api('GET', `/lifecycle-jobs/${id}`)).body
    return ['finished', 'failed', 'cancelled'].includes(job.state)
  })
  return job
}
const door = () => ({ url: scene.hasp.url, virtualKey: scene.lending.virtualKey })
const credentialRows = async () =>
  (await scene.hasp.context.database.pool.query('SELECT * FROM credentials ORDER BY target_id, generation'))
    .rows

describe('moving everything to another KEK', () => {
  it('moves every version of every credential, and each opens under the new KEK alone', async () => {
    const { lending, surroundings } = scene
    await api('PATCH', `/api-targets/${lending.openaiTargetId}`, { credential: openaiCredential })
    const before = await credentialRows()
    expect(before).toHaveLength(3)

    const started = await start({ kind: 'move', fromKekId: lending.kekId, toKekId: other.id })
    expect(started).toMatchObject({
      recordsTotal: 2,
      recordsDone: 0,
      actor: expect.stringMatching(/^admin-token:/),
    })
    expect(await ended(started.id)).toMatchObject({
      state: 'finished',
      recordsTotal: 2,
      recordsDone: 2,
      recordsFailed: 0,
      lastError: null,
    })

    const after = await credentialRows()
    expect(after.map((row) => row.kek_id)).toEqual([other.id, other.id, other.id])
    for (const [index, row] of after.entries()) {
      expect(row.sealed.equals(before[index].sealed)).toBe(false)
      expect(row.dek_created_at).toEqual(before[index].dek_created_at)
      expect(row.wrapped_at > before[index].wrapped_at).toBe(true)
    }
    for (const dialect of ['openai', 'anthropic'] as const) {
      expect(await callModel(door(), dialect)).toMatchObject({ status: 200 })
    }
    const asked = surroundings.emulator.control
      .events({ eventName: 'Decrypt', accountId: other.accountId })
      .map((event) => event.requestID)
    const receipts = (await api('GET', `/receipts?kekId=${other.id}`)).body.items
    expect(receipts).toHaveLength(2)
    for (const { unwrap } of receipts) expect(asked).toContain(unwrap.kmsRequestId)
  })

  it('is in the ledger with request ids that both customers’ trails have', async () => {
    const { lending, surroundings } = scene
    const trail = (eventName: string, accountId: string) =>
      surroundings.emulator.control.events({ eventName, accountId }).map((event) => event.requestID)
    const accountOfOld = surroundings.keyArn.split(':')[4] ?? ''
    const { items } = (await api('GET', '/ledger?kind=target.rewrapped')).body
    expect(items).toHaveLength(2)
    for (const { details, kekId } of items) {
      expect(kekId).toBe(other.id)
      expect(details).toMatchObject({ fromKekId: lending.kekId, toKekId: other.id })
      for (const version of details.versions) {
        expect(trail('Decrypt', accountOfOld)).toContain(version.unwrapKmsRequestId)
        expect(trail('Encrypt', other.accountId)).toContain(version.wrapKmsRequestId)
        const intents = (await api('GET', '/ledger?kind=unwrap.intended&limit=100')).body.items
        expect(intents.map((entry: AnyJson) => entry.entryId)).toContain(version.unwrapId)
      }
    }
    const [job] = (await api('GET', `/lifecycle-jobs?kekId=${other.id}`)).body.items
    const ends = (await api('GET', '/ledger?kind=lifecycle-job.ended')).body.items
    expect(ends).toMatchObject([{ details: { jobId: job.id, state: 'finished', recordsDone: 2 } }])
  })

  it('lets the old KEK be retired, its canary with it, and not the new one', async () => {
    const refused = await api('POST', `/keks/${other.id}/retire`)
    expect(refused).toMatchObject({ status: 409, body: { code: 'kek_in_use' } })
    expect(refused.body.detail).toMatch(/2 credential versions in use and 1 former, of .*hasp kek move/)
    const retired = await api('POST', `/keks/${scene.lending.kekId}/retire`)
    expect(retired).toMatchObject({ status: 200, body: { state: 'deactivated' } })
    const { rows } = await scene.hasp.context.database.pool.query('SELECT canary FROM keks WHERE id = $1', [
      scene.lending.kekId,
    ])
    expect(rows).toEqual([{ canary: null }])
    expect(await callModel(door(), 'openai')).toMatchObject({ status: 200 })
  })
})

describe('a rewrap under a KEK whose unwraps are cached', () => {
  it('is noticed by nobody: the next call opens the new seal, not with what is held of the former', async () => {
    await api('PATCH', `/keks/${other.id}`, { unwrapMode: 'cached', cacheCeilingMs: 300_000 })
    for (let call = 0; call < 2; call += 1) {
      expect(await callModel(door(), 'openai')).toMatchObject({ status: 200 })
    }
    const job = await start({ kind: 'rewrap', fromKekId: other.id })
    expect(await ended(job.id)).toMatchObject({ state: 'finished', recordsDone: 2 })
    expect(await callModel(door(), 'openai')).toMatchObject({ status: 200 })
  })
})

describe('the API of lifecycle jobs', () => {
  it('starts one job for one Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'only-once' }
    const job = { kind: 're-encrypt', targetId: scene.lending.openaiTargetId }
    const first = await api('POST', '/lifecycle-jobs', job, headers)
    const second = await api('POST', '/lifecycle-jobs', job, headers)
    expect([first.status, second.status]).toEqual([201, 201])
    expect(second.body.id).toBe(first.body.id)
    expect(await ended(first.body.id)).toMatchObject({ state: 'finished', recordsTotal: 1, recordsDone: 1 })
    expect(await callModel(door(), 'openai')).toMatchObject({ status: 200 })
  })

  it('refuses to retire a KEK that a job works on, until the job is cancelled', async () => {
    const third = await addAwsKek(scene.hasp, scene.surroundings, 'third')
    scene.surroundings.emulator.control.setLatency({ operation: 'Decrypt', latencyMs: 1_500 })
    const job = await start({ kind: 'move', fromKekId: other.id, toKekId: third.id, recordsPerSecondMax: 1 })
    expect(await api('POST', `/keks/${third.id}/retire`)).toMatchObject({
      status: 409,
      body: { code: 'kek_in_use', detail: expect.stringContaining('lifecycle job') },
    })
    const cancelled = await api('POST', `/lifecycle-jobs/${job.id}/cancel`)
    expect(cancelled).toMatchObject({ status: 200, body: { state: 'cancelled' } })
    scene.surroundings.emulator.control.setLatency({ operation: 'Decrypt', latencyMs: 0 })
    expect(await api('POST', `/lifecycle-jobs/${job.id}/cancel`)).toMatchObject({
      status: 409,
      body: { code: 'lifecycle_job_ended' },
    })
    expect((await credentialRows()).filter((row) => row.kek_id === third.id)).toHaveLength(
      cancelled.body.recordsDone,
    )
  })

  it('shows pages, newest first, and another organisation’s jobs as none', async () => {
    const all = (await api('GET', '/lifecycle-jobs')).body.items.map((job: AnyJson) => job.id)
    expect(all.length).toBeGreaterThanOrEqual(3)
    expect(all).toEqual(all.toSorted().toReversed())
    const first = (await api('GET', '/lifecycle-jobs?limit=2')).body
    const second = (await api('GET', `/lifecycle-jobs?limit=2&cursor=${first.nextCursor}`)).body
    expect([...first.items, ...second.items].map((job: AnyJson) => job.id)).toEqual(all.slice(0, 4))
    const unknown = await api('GET', '/lifecycle-jobs/019a0000-0000-7000-8000-000000000000')
    expect(unknown).toMatchObject({ status: 404, body: { code: 'lifecycle_job_not_found' } })
  })
})

describe('cryptoperiods', () => {
  const periodOf = async (kekId: string): Promise<AnyJson> =>
    (await api('GET', '/cryptoperiods')).body.items.find((period: AnyJson) => period.kekId === kekId)

  it('count wraps from the ledger, and are over when there are too many', async () => {
    const { wraps } = await periodOf(other.id)
    // Verified, moved to (three versions), rewrapped (three), one target re-encrypted (two).
    expect(wraps).toBe(2 + 3 + 3 + 2)
    await api('PATCH', `/keks/${other.id}`, { wrapsMax: wraps + 1 })
    expect(await periodOf(other.id)).toMatchObject({ state: 'due', wrapsMax: wraps + 1 })
    await api('PATCH', `/keks/${other.id}`, { wrapsMax: wraps })
    expect(await periodOf(other.id)).toMatchObject({ state: 'overdue' })
  })
})
