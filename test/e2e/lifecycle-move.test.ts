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
    surroundings.emulator.control.setKeyState({ keyId: surroundings.keyArn, state: 'Disabled' })
    for (const dialect of ['openai', 'anthropic'] as const) {
      expect(await callModel(door(), dialect)).toMatchObject({ status: 200 })
    }
    surroundings.emulator.control.setKeyState({ keyId: surroundings.keyArn, state: 'Enabled' })
  })
})
