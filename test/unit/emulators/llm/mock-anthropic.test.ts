import Anthropic, { APIError, NotFoundError } from '@anthropic-ai/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startMockAnthropic } from '#emulators/llm/anthropic.ts'
import type { MockProvider } from '#emulators/llm/mock-provider.ts'

const SECRET = 'sk-ant-api03-0123456789abcdefghijklmnop'
const TEXT = 'The door is ours, the padlock is yours.'

let provider: MockProvider
let client: Anthropic

beforeAll(async () => {
  provider = await startMockAnthropic({ acceptedCredentials: [SECRET] })
  client = clientWith(SECRET)
})
afterAll(() => provider.close())

function clientWith(apiKey: string): Anthropic {
  return new Anthropic({ apiKey, baseURL: provider.origin, maxRetries: 0 })
}

const message = {
  model: 'claude-opus-5',
  max_tokens: 64,
  messages: [{ role: 'user' as const, content: 'Whose padlock?' }],
}

describe('the official @anthropic-ai/sdk client against the mock', () => {
  it('lists models', async () => {
    const models = await client.models.list()
    expect(models.data.map((model) => model.id)).toContain(message.model)
  })

  it('retrieves one model, and refuses one that it does not have as the real one does', async () => {
    expect(await client.models.retrieve(message.model)).toMatchObject({ type: 'model', id: message.model })
    const failure = await client.models.retrieve('nonesuch').catch((error) => error)
    expect(failure).toBeInstanceOf(NotFoundError)
    expect(failure).toMatchObject({
      error: { type: 'error', error: { type: 'not_found_error', message: 'model: nonesuch' } },
      requestID: expect.stringMatching(/^req_/),
    })
  })

  it('creates a message', async () => {
    const { data, request_id: requestId } = await client.messages.create(message).withResponse()
    expect(data.content).toEqual([{ type: 'text', text: TEXT }])
    expect(data.usage.output_tokens).toBe(8)
    expect(requestId).toMatch(/^req_/)
  })

  it('streams a message that the SDK assembles, with a ping on the way', async () => {
    const stream = client.messages.stream(message)
    const final = await stream.finalMessage()
    expect(final.content[0]).toMatchObject({ type: 'text', text: TEXT })
    expect(final.stop_reason).toBe('end_turn')
    expect(final.usage.output_tokens).toBe(8)
    const raw = await fetch(`${provider.origin}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': SECRET, 'anthropic-version': '2023-06-01' },
      body: JSON.stringify({ ...message, stream: true }),
    })
    expect(await raw.text()).toContain('event: ping\ndata: {"type":"ping"}\n\n')
  })

  it('counts tokens', async () => {
    const { max_tokens: _, ...counted } = message
    const answer = await client.messages.countTokens(counted)
    expect(answer.input_tokens).toBeGreaterThan(0)
  })

  it('refuses a wrong key with authentication_error', async () => {
    const failure = await clientWith('sk-ant-wrong')
      .messages.create(message)
      .catch((error) => error)
    expect(failure).toBeInstanceOf(APIError)
    expect(failure).toMatchObject({
      status: 401,
      error: { type: 'error', error: { type: 'authentication_error', message: 'invalid x-api-key' } },
    })
  })

  it('refuses a request without any credential, naming the header that is missing', async () => {
    const answer = await fetch(`${provider.origin}/v1/models`, {
      headers: { 'anthropic-version': '2023-06-01' },
    })
    expect(answer.status).toBe(401)
    expect(await answer.json()).toMatchObject({ error: { message: 'x-api-key header is required' } })
  })

  it('refuses a request without anthropic-version', async () => {
    const answer = await fetch(`${provider.origin}/v1/models`, { headers: { 'x-api-key': SECRET } })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ error: { message: 'anthropic-version: header is required' } })
    expect(answer.headers.get('request-id')).toMatch(/^req_/)
  })
})
