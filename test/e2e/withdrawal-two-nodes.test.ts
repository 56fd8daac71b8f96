import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { dialects, openStream, type Dialect, type Door } from '../support/agent-calls.ts'
import { waitUntil } from '../support/data-dir.ts'
import { anthropicCredential, openaiCredential } from '../support/lending-hasp.ts'
import type { AnyJson } from '../support/running-hasp.ts'
import { startTwoNodes, type TwoNodes } from '../support/two-nodes.ts'

let nodes: TwoNodes
let target: AnyJson
let issued: AnyJson
let doors: Readonly<Record<'a' | 'b', Door>>
let count = 0

const provider = (dialect: Dialect) => nodes.surroundings[dialect]
const made = async (path: string, body: object): Promise<AnyJson> => {
  const reply = await nodes.a.api('POST', path, body)
  if (reply.status !== 201) throw new Error(JSON.stringify(reply.body))
  return reply.body
}
/** A target of its own, and a virtual key for it alone. */
const furnish = async (dialect: Dialect) => {
  count += 1
  target = await made('/api-targets', {
    name: `short-lived ${count}`,
    provider: dialect,
    baseUrl: provider(dialect).origin,
    kekId: nodes.lending.kekId,
    credential: dialect === 'openai' ? openaiCredential : anthropicCredential,
  })
  issued = await made('/virtual-keys', { name: `short-lived ${count}`, targetIds: [target.id] })
  doors = {
    a: { url: nodes.a.url, virtualKey: issued.token },
    b: { url: nodes.b.url, virtualKey: issued.token },
  }
}
const revokeVirtualKey = () => nodes.a.api('POST', `/virtual-keys/${issued.id}/revoke`)
const deleteTarget = () => nodes.a.api('DELETE', `/api-targets/${target.id}`)
const setStreamRule = (streamRule: 'cut' | 'drain') =>
  nodes.a.api('PATCH', `/keks/${nodes.lending.kekId}`, { streamRule })
const endOf = async (receiptId: string) => {
  const { body } = await nodes.a.api('GET', '/receipts?limit=100')
  return body.items.find((receipt: AnyJson) => receipt.receiptId === receiptId)?.outcome?.end
}

beforeAll(async () => {
  nodes = await startTwoNodes()
})
beforeEach(() => setStreamRule('cut'))
afterAll(() => nodes[Symbol.asyncDispose]())

const withdrawals = [
  { what: 'a virtual key that is revoked', code: 'virtual_key_revoked', withdraw: revokeVirtualKey },
  { what: 'a target that is deleted', code: 'target_deleted', withdraw: deleteTarget },
]

describe.each(withdrawals)('$what', ({ code, withdraw }) => {
  describe.each(dialects)('with %s', (dialect) => {
    beforeEach(() => furnish(dialect))

    it('has its streams cut on every node, and their readers and receipts say why', async () => {
      const streams = [
        await openStream(doors.a, dialect, provider(dialect)),
        await openStream(doors.b, dialect, provider(dialect)),
      ]
      expect((await withdraw()).status).toBeLessThan(300)
      for (const { ended } of streams) expect(await ended).toMatchObject({ isBroken: true, code })
      await waitUntil(() =>
        provider(dialect)
          .requests()
          .slice(-2)
          .every(({ isAborted }) => isAborted),
      )
      for (const { receiptId } of streams) {
        await waitUntil(async () => (await endOf(receiptId)) === 'cut-on-revocation')
      }
    })
  })

  it('leaves the streams of others alone', async () => {
    await furnish('openai')
    const other = { url: nodes.b.url, virtualKey: nodes.lending.virtualKey }
    const stream = await openStream(doors.b, 'openai', provider('openai'))
    const bystander = await openStream(other, 'openai', provider('openai'), { pieces: 40, pieceMs: 20 })
    await withdraw()
    expect(await stream.ended).toMatchObject({ isBroken: true, code })
    const { isBroken, text } = await bystander.ended
    expect(isBroken).toBe(false)
    expect(text).toContain('data: [DONE]')
  })

  it('has its streams cut on a node that heard nothing, when it hears again', async () => {
    await furnish('anthropic')
    const stream = await openStream(doors.b, 'anthropic', provider('anthropic'))
    const { hear } = await nodes.deafenB()
    await withdraw()
    expect(await Promise.race([stream.ended, Promise.resolve('runs')])).toBe('runs')
    await hear()
    expect(await stream.ended).toMatchObject({ isBroken: true, code })
  })

  it('cuts also where the rule of its KEK is to drain: that rule is about the KEK', async () => {
    await setStreamRule('drain')
    await furnish('openai')
    const stream = await openStream(doors.b, 'openai', provider('openai'))
    await withdraw()
    expect(await stream.ended).toMatchObject({ isBroken: true, code })
  })
})
