import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLendingHasp } from '../support/lending-hasp.ts'

describe('lending a credential to unmodified SDKs', () => {
  let lendingHasp: Awaited<ReturnType<typeof startLendingHasp>>
  beforeAll(async () => {
    lendingHasp = await startLendingHasp()
  })
  afterAll(() => lendingHasp[Symbol.asyncDispose]())

  const messages = [{ role: 'user' as const, content: 'Hello' }]
  const openai = (path = '/openai/v1') =>
    new OpenAI({ baseURL: lendingHasp.hasp.url + path, apiKey: lendingHasp.lending.virtualKey })
  const anthropic = (path = '/anthropic') =>
    new Anthropic({ baseURL: lendingHasp.hasp.url + path, apiKey: lendingHasp.lending.virtualKey })

  it.each(['/openai/v1', '/v1'])('answers the OpenAI client at %s, plain and streaming', async (path) => {
    const plain = await openai(path).chat.completions.create({ model: 'gpt-5', messages })
    expect(plain.choices[0]?.message.content).not.toBe('')
    const stream = await openai(path).chat.completions.create({ model: 'gpt-5', messages, stream: true })
    let text = ''
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
    expect(text).not.toBe('')
    const response = await openai(path).responses.create({ model: 'gpt-5', input: 'Hello' })
    expect(response.output_text).not.toBe('')
  })

  it.each(['/anthropic', ''])('answers the Anthropic client at "%s", plain and streaming', async (path) => {
    const request = { model: 'claude-opus-5', max_tokens: 64, messages }
    const plain = await anthropic(path).messages.create(request)
    expect(plain.content[0]?.type).toBe('text')
    const final = await anthropic(path).messages.stream(request).finalMessage()
    expect(final.stop_reason).toBe('end_turn')
  })

  it('answers whoever asks for one model, and hands the provider’s own refusal of another on', async () => {
    for (const path of ['/openai/v1', '/v1']) {
      expect(await openai(path).models.retrieve('gpt-5')).toMatchObject({ id: 'gpt-5', object: 'model' })
      // One that Hasp takes for OpenAI's, and this OpenAI does not have.
      const unknown = openai(path).models.retrieve('ft:gpt-4o:acme::9')
      await expect(unknown).rejects.toMatchObject({
        status: 404,
        code: 'model_not_found',
        param: 'model',
        message: expect.stringContaining("The model 'ft:gpt-4o:acme::9' does not exist"),
      })
    }
    for (const path of ['/anthropic', '']) {
      expect((await anthropic(path).models.retrieve('claude-opus-5')).id).toBe('claude-opus-5')
    }
  })

  it('names the receipt, the target and the unwrap, and the customer’s trail has that unwrap', async () => {
    const { response } = await openai().chat.completions.create({ model: 'gpt-5', messages }).withResponse()
    const receiptId = response.headers.get('x-hasp-receipt')
    expect(response.headers.get('x-hasp-target')).toBe('openai')
    const { hasp, surroundings } = lendingHasp
    const { body } = await hasp.api('GET', '/ledger?kind=receipt.opened&limit=100')
    const receipt = body.items.find((entry: { entryId: string }) => entry.entryId === receiptId)
    const events = surroundings.emulator.control.events()
    const event = events.find((one) => one.requestID === receipt.details.unwrap.kmsRequestId)
    expect(event?.eventName).toBe('Decrypt')
    expect(event?.requestParameters?.['encryptionContext']).toMatchObject({ 'hasp:org': hasp.orgId })
  })
})
