import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLendingHasp } from '../support/lending-hasp.ts'

/** More changes at once than there are connections: one that needed a second connection would wait for ever. */
describe('an organisation that is changed from everywhere at once, over the fewest connections', () => {
  const together = 24
  let scene: Awaited<ReturnType<typeof startLendingHasp>>
  beforeAll(async () => {
    scene = await startLendingHasp({ env: { HASP_DATABASE_POOL_MAX: '4' } })
  })
  afterAll(() => scene[Symbol.asyncDispose]())

  const atOnce = async (method: string, path: string, bodyOf: (index: number) => unknown) => {
    const replies = await Promise.all(
      Array.from({ length: together }, (_, index) =>
        scene.hasp.api(method, path, bodyOf(index), { 'idempotency-key': randomUUID() }),
      ),
    )
    return replies.map(({ status, body }) => `${status} ${body?.code ?? ''}`.trim())
  }
  const all = (status: string) => Array.from({ length: together }, () => status)

  it('stores, issues and registers everything', async () => {
    const { kekId } = scene.lending
    const target = { provider: 'openai', kekId, credential: 'sk-0123456789-abcdef', validate: false }
    const stored = await atOnce('POST', '/api-targets', (index) => ({ ...target, name: `target ${index}` }))
    expect(stored).toEqual(all('201'))
    const issued = await atOnce('POST', '/virtual-keys', () => ({ name: 'agent', targetIds: 'all' }))
    expect(issued).toEqual(all('201'))
    expect(await atOnce('POST', '/admin-tokens', () => ({ name: 'ada' }))).toEqual(all('201'))
    const keks = await atOnce('POST', '/keks', (index) => ({ name: `kek ${index}`, provider: 'local' }))
    expect(keks).toEqual(all('201'))
  })

  it('changes one record by some, and tells the others that it was changed', async () => {
    const { openaiTargetId, virtualKeyId, kekId } = scene.lending
    for (const [path, change] of [
      [`/api-targets/${openaiTargetId}`, (index: number) => ({ models: [`gpt-${index}`] })],
      [`/virtual-keys/${virtualKeyId}`, (index: number) => ({ name: `agent ${index}` })],
      [`/keks/${kekId}`, (index: number) => ({ cacheUsesMax: index + 1 })],
    ] as const) {
      const replies = await atOnce('PATCH', path, change)
      expect(replies).toContain('200')
      for (const reply of replies) expect(reply).toMatch(/^(200|409 \w+_changed_meanwhile)$/)
    }
  })

  it('deletes a target once, also in the ledger, however many ask for it at once', async () => {
    const { openaiTargetId } = scene.lending
    const replies = await atOnce('DELETE', `/api-targets/${openaiTargetId}`, () => undefined)
    expect(replies.filter((reply) => reply === '204')).toHaveLength(1)
    expect(replies.filter((reply) => reply === '404 target_not_found')).toHaveLength(together - 1)
    const { items } = (await scene.hasp.api('GET', '/ledger?kind=target.deleted')).body
    expect(items).toHaveLength(1)
  })

  it('leaves one usable admin token, however many are revoked at once', async () => {
    const { items } = (await scene.hasp.api('GET', '/admin-tokens?limit=100')).body
    const own = items.find((token: { name: string }) => token.name === 'first')
    const others = items.filter((token: { id: string }) => token.id !== own.id)
    const revoke = (id: string) => scene.hasp.api('POST', `/admin-tokens/${id}/revoke`)
    const replies = await Promise.all(others.map(({ id }: { id: string }) => revoke(id)))
    expect(replies.map(({ status }) => status)).toEqual(others.map(() => 200))
    expect((await revoke(own.id)).body.code).toBe('admin_token_last')
  })

  it('carries out one request of many under one Idempotency-Key', async () => {
    const headers = { 'idempotency-key': randomUUID() }
    const ask = () => scene.hasp.api('POST', '/virtual-keys', { name: 'only one', targetIds: 'all' }, headers)
    const replies = await Promise.all(Array.from({ length: together }, ask))
    const tokens = replies.flatMap(({ body }) => (typeof body.token === 'string' ? [body.token] : []))
    expect(tokens).toHaveLength(1)
    for (const { status, body } of replies)
      if (status !== 201) expect(body.code).toBe('idempotency_in_progress')
    const { items } = (await scene.hasp.api('GET', '/virtual-keys?limit=100')).body
    expect(items.filter(({ name }: { name: string }) => name === 'only one')).toHaveLength(1)
  })
})
