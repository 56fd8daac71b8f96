import { createHash } from 'node:crypto'
import OpenAI, { APIError, NotFoundError } from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startMockOpenai } from '#emulators/llm/openai.ts'
import type { MockProvider } from '#emulators/llm/mock-provider.ts'

const SECRET = 'sk-proj-0123456789abcdefghijklmnop'
const TEXT = 'The door is ours, the padlock is yours.'

let provider: MockProvider
let client: OpenAI

beforeAll(async () => {
  provider = await startMockOpenai({ acceptedCredentials: [SECRET] })
  client = clientWith(SECRET)
})
afterAll(() => provider.close())

function clientWith(apiKey: string): OpenAI {
  return new OpenAI({ apiKey, baseURL: `${provider.origin}/v1`, maxRetries: 0 })
}

const chat = { model: 'gpt-4o-mini', messages: [{ role: 'user' as const, content: 'Whose padlock?' }] }

describe('the official openai client against the mock', () => {
  it('lists models', async () => {
    const models = await client.models.list()
    expect(models.data.map((model) => model.id)).toContain('gpt-4o-mini')
  })

  it('retrieves one model, and refuses one that it does not have as the real one does', async () => {
    expect(await client.models.retrieve('gpt-4o-mini')).toMatchObject({
      id: 'gpt-4o-mini',
      object: 'model',
      owned_by: 'system',
    })
    const failure = await client.models.retrieve('ft:none/such').catch((error) => error)
    expect(failure).toBeInstanceOf(NotFoundError)
    expect(failure).toMatchObject({
      error: {
        message: "The model 'ft:none/such' does not exist",
        type: 'invalid_request_error',
        param: 'model',
        code: 'model_not_found',
      },
    })
  })

  it.each(['/v1/models/', '/v1/models/gpt-5/more', '/v1/models/%zz', '/v1/files'])(
    'knows no GET %s',
    async (path) => {
      const answer = await fetch(provider.origin + path, { headers: { authorization: `Bearer ${SECRET}` } })
      expect(answer.status).toBe(404)
      expect(await answer.json()).toMatchObject({
        error: { message: `Invalid URL (GET ${path})`, code: null },
      })
    },
  )

  it('completes a chat', async () => {
    const { data, request_id: requestId } = await client.chat.completions.create(chat).withResponse()
    expect(data.choices[0]?.message.content).toBe(TEXT)
    expect(data.usage?.completion_tokens).toBe(8)
    expect(requestId).toMatch(/^req_/)
  })

  it('streams a chat, with usage when it was asked for', async () => {
    const options = { ...chat, stream: true as const, stream_options: { include_usage: true } }
    let text = ''
    let usage: number | undefined
    for await (const chunk of await client.chat.completions.create(options)) {
      text += chunk.choices[0]?.delta.content ?? ''
      usage = chunk.usage?.completion_tokens ?? usage
    }
    expect({ text, usage }).toEqual({ text: TEXT, usage: 8 })
  })

  it('streams a chat without usage when it was not asked for', async () => {
    for await (const chunk of await client.chat.completions.create({ ...chat, stream: true })) {
      expect(chunk).not.toHaveProperty('usage')
    }
  })

  it('creates a response', async () => {
    const response = await client.responses.create({ model: 'gpt-5', input: 'Whose padlock?' })
    expect(response.status).toBe('completed')
    expect(response.output_text).toBe(TEXT)
  })

  it('streams a response whose events the SDK assembles', async () => {
    const stream = client.responses.stream({ model: 'gpt-5', input: 'Whose padlock?' })
    const sequence: number[] = []
    for await (const event of stream) sequence.push(event.sequence_number)
    const final = await stream.finalResponse()
    expect(final.output_text).toBe(TEXT)
    expect(final.usage?.output_tokens).toBe(8)
    expect(sequence).toEqual(sequence.map((_, index) => index))
  })

  it('embeds', async () => {
    const answer = await client.embeddings.create({ model: 'text-embedding-3-small', input: ['a', 'b'] })
    expect(answer.data).toHaveLength(2)
    expect(answer.data[0]?.embedding).toHaveLength(8)
    expect(answer.data[0]?.embedding).not.toEqual(answer.data[1]?.embedding)
  })

  it('refuses a wrong key as the real one does, repeating it masked', async () => {
    const failure = await clientWith('sk-proj-WRONGWRONGWRONG1234').models.list().catch(String)
    expect(failure).toMatch(/^Error: 401 Incorrect API key provided: sk-proj-\*+1234\. You can find/)
  })

  it('refuses an unknown model with model_not_found', async () => {
    const failure = await client.chat.completions
      .create({ ...chat, model: 'nonesuch' })
      .catch((error) => error)
    expect(failure).toBeInstanceOf(APIError)
    expect(failure).toMatchObject({ status: 404, code: 'model_not_found', type: 'invalid_request_error' })
  })
})

describe('what the mock remembers', () => {
  it('holds the hash of the credential and of the body, never the credential', async () => {
    await client.chat.completions.create(chat)
    const last = provider.requests().at(-1)
    expect(last).toMatchObject({
      method: 'POST',
      path: '/v1/chat/completions',
      isAborted: false,
      bodySha256: createHash('sha256').update(JSON.stringify(chat)).digest('hex'),
    })
    expect(last?.headers['authorization']).toBe(`Bearer ${createHash('sha256').update(SECRET).digest('hex')}`)
    expect(JSON.stringify(provider.requests())).not.toContain(SECRET)
  })

  it('is bounded while the count goes on', async () => {
    await using small = await startMockOpenai({ acceptedCredentials: [SECRET], requestsMax: 2 })
    for (let index = 0; index < 5; index += 1) await fetch(`${small.origin}/v1/models?n=${index}`)
    expect(small.requests().map((request) => request.path)).toEqual(['/v1/models?n=3', '/v1/models?n=4'])
    expect(small.requestCount()).toBe(5)
  })

  it('tells a stream that the caller left from one that ended', async () => {
    await using slow = await startMockOpenai({
      acceptedCredentials: [SECRET],
      chunkDelayMs: 20,
      chunkCount: 500,
    })
    const gone = new AbortController()
    const answer = await fetch(`${slow.origin}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${SECRET}` },
      body: JSON.stringify({ ...chat, stream: true }),
      signal: gone.signal,
    })
    await answer.body?.getReader().read()
    expect(slow.requests()[0]?.isAborted).toBe(false)
    gone.abort()
    await expect.poll(() => slow.requests()[0]?.isAborted).toBe(true)
  })
})

describe('the control paths', () => {
  it('replace the accepted credentials at once and are not counted', async () => {
    await using other = await startMockOpenai({ acceptedCredentials: [SECRET] })
    const ask = () =>
      fetch(`${other.origin}/v1/models`, { headers: { authorization: `Bearer ${SECRET}` } }).then(
        (a) => a.status,
      )
    expect(await ask()).toBe(200)
    const put = await fetch(`${other.origin}/_emulator/credentials`, {
      method: 'PUT',
      body: JSON.stringify({ secrets: ['sk-another-one-entirely'] }),
    })
    expect(put.status).toBe(204)
    expect(await ask()).toBe(401)
    expect(await (await fetch(`${other.origin}/_emulator/count`)).json()).toEqual({ count: 2 })
    expect(await (await fetch(`${other.origin}/_emulator/requests`)).json()).toEqual({
      requests: other.requests(),
    })
  })
})
