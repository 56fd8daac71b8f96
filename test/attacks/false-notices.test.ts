import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { callModel } from '../support/agent-calls.ts'
import { startLendingHasp } from '../support/lending-hasp.ts'

/** Whoever may connect to a PostgreSQL database may notify on any channel of it, and read nothing at all otherwise. */
describe('whoever can tell the nodes of changes that there were none', () => {
  let scene: Awaited<ReturnType<typeof startLendingHasp>>
  beforeAll(async () => {
    scene = await startLendingHasp()
  })
  afterAll(() => scene[Symbol.asyncDispose]())

  const tell = (payload: string) =>
    scene.hasp.context.database.pool.query('SELECT pg_notify($1, $2)', ['hasp_changes', payload])
  const call = async () => {
    const door = { url: scene.hasp.url, virtualKey: scene.lending.virtualKey }
    return (await callModel(door, 'openai')).status
  }
  const noticed = (more: object) =>
    JSON.stringify({
      orgId: scene.hasp.orgId,
      epoch: '1',
      kind: 'target.updated',
      kekId: null,
      targetId: null,
      virtualKeyId: null,
      ...more,
    })

  it.each(['{', 'null', '[]', '5', '"x"', '{}', ''])('brings no node down with %j', async (payload) => {
    await tell(payload)
    expect(await call()).toBe(200)
  })

  it.each([
    { kind: 5, kekId: 5 },
    { kind: null, kekId: {} },
    { orgId: { toString: null } },
    { orgId: null, targetId: [] },
    { epoch: 1e30 },
    { epoch: { toString: null } },
    { epoch: '9'.repeat(19) },
    { kind: 'constructor', kekId: '__proto__' },
  ])('brings no node down with a notice of %j', async (more) => {
    await tell(noticed(more))
    expect(await call()).toBe(200)
  })

  it('keeps nobody from being lent to, however late an epoch is told', async () => {
    await tell(noticed({ epoch: String(2n ** 63n - 1n) }))
    for (let time = 0; time < 5; time += 1) expect(await call()).toBe(200)
  })
})
