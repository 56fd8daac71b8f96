import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AnyJson } from '../support/running-hasp.ts'
import { startLendingHasp } from '../support/lending-hasp.ts'

describe('listing the receipts of proxied calls', () => {
  let running: Awaited<ReturnType<typeof startLendingHasp>>
  beforeAll(async () => {
    running = await startLendingHasp()
  })
  afterAll(() => running[Symbol.asyncDispose]())

  it('shows each call with its unwrap and, once it has ended, its outcome, newest first', async () => {
    const { hasp, lending } = running
    const client = new OpenAI({ baseURL: `${hasp.url}/openai/v1`, apiKey: lending.virtualKey })
    for (const model of ['gpt-5', 'gpt-5-mini']) {
      await client.chat.completions.create({ model, messages: [{ role: 'user', content: 'Hello' }] })
    }
    await expect
      .poll(async () =>
        (await hasp.api('GET', '/receipts')).body.items.every((item: AnyJson) => item.outcome !== null),
      )
      .toBe(true)
    const { body } = await hasp.api('GET', `/receipts?virtualKeyId=${lending.virtualKeyId}`)
    expect(body.items.map((item: AnyJson) => item.model)).toEqual(['gpt-5-mini', 'gpt-5'])
    expect(body.items[0]).toMatchObject({
      operation: 'POST /v1/chat/completions',
      targetId: lending.openaiTargetId,
      unwrap: { mode: 'strict', isReused: false },
      outcome: { end: 'completed', status: 200 },
    })
    const { receiptId } = body.items[1]
    const one = await hasp.api('GET', `/receipts?receiptId=${receiptId}`)
    expect(one.body.items.map((item: AnyJson) => item.model)).toEqual(['gpt-5'])
    const page = await hasp.api('GET', '/receipts?limit=1')
    const next = await hasp.api('GET', `/receipts?limit=1&cursor=${page.body.nextCursor}`)
    expect([page.body.items[0].model, next.body.items[0].model]).toEqual(['gpt-5-mini', 'gpt-5'])
  })
})
