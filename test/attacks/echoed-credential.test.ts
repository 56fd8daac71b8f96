import { request, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startEchoingProvider, type Echo } from '../support/echoing-provider.ts'
import { openaiCredential, setUpLending, startSurroundings } from '../support/lending-hasp.ts'
import { startHasp, type RunningHasp } from '../support/running-hasp.ts'

describe('a provider that repeats the credential in its errors', () => {
  const stack = new AsyncDisposableStack()
  let hasp: RunningHasp
  let virtualKey: string
  let echo: Echo

  beforeAll(async () => {
    const surroundings = stack.use(await startSurroundings())
    const provider = stack.use(await startEchoingProvider(() => echo))
    const env = {
      ...surroundings.env,
      HASP_ALLOWED_UPSTREAMS: `${surroundings.env['HASP_ALLOWED_UPSTREAMS']},${provider.origin}`,
    }
    hasp = stack.use(await startHasp(env, { aws: surroundings.aws }))
    const { kekId } = await setUpLending(hasp, surroundings)
    const target = await hasp.api('POST', '/api-targets', {
      name: 'indiscreet',
      provider: 'openai',
      baseUrl: provider.origin,
      kekId,
      credential: openaiCredential,
      validate: false,
    })
    const issued = await hasp.api('POST', '/virtual-keys', { name: 'curious', targetIds: [target.body.id] })
    virtualKey = issued.body.token
  })
  afterAll(() => stack.disposeAsync())

  /** Without fetch, which would undo an encoding. */
  const call = async () => {
    const body = JSON.stringify({ model: 'gpt-5', messages: [] })
    const outgoing = request(`${hasp.url}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${virtualKey}`,
        'content-type': 'application/json',
        'accept-encoding': 'gzip, br',
      },
    })
    outgoing.end(body)
    // The event's one argument is the answer.
    const [reply] = (await once(outgoing, 'response')) as [IncomingMessage]
    const text = Buffer.concat(await reply.toArray()).toString()
    return { status: reply.statusCode, headers: reply.headers, text }
  }

  it.each<Echo>([
    { status: 400 },
    { status: 403 },
    { status: 404, isInPieces: true },
    { status: 429, encoding: 'gzip' },
    { status: 500, encoding: 'br', isInPieces: true },
    { status: 302 },
  ])('shows nothing of it to the caller in %j, and all the rest', async (how) => {
    echo = how
    const { status, headers, text } = await call()
    const masked = '*'.repeat(openaiCredential.length)
    expect(status).toBe(how.status)
    expect(JSON.parse(text)).toEqual({
      error: { message: `Incorrect API key provided: Bearer ${masked}`, code: 'invalid_api_key' },
      key: masked,
    })
    expect(headers).toMatchObject({
      'content-length': String(text.length),
      'x-request-id': `for-Bearer ${masked}`,
    })
    expect(headers['content-encoding']).toBeUndefined()
    expect(JSON.stringify(headers)).not.toContain(openaiCredential.slice(8))
  })

  it('leaves nothing of it in the ledger, even where it answers with it', async () => {
    echo = { status: 200 }
    const { headers } = await call()
    const masked = `for-Bearer ${'*'.repeat(openaiCredential.length)}`
    expect(headers['x-request-id']).toBe(masked)
    const path = `/receipts?receiptId=${String(headers['x-hasp-receipt'])}`
    await expect
      .poll(async () => (await hasp.api('GET', path)).body.items[0].outcome?.upstreamRequestId)
      .toBe(masked)
    const { rows } = await hasp.context.database.pool.query(
      'SELECT count(*)::int AS count FROM ledger_entries WHERE position($1 in body) > 0',
      [openaiCredential.slice(0, 24)],
    )
    expect(rows).toEqual([{ count: 0 }])
  })

  it('shows nothing of it to an SDK, which raises the provider’s own error', async () => {
    echo = { status: 403, encoding: 'gzip' }
    const client = new OpenAI({ apiKey: virtualKey, baseURL: `${hasp.url}/openai/v1`, maxRetries: 0 })
    const error: unknown = await client.models.list().catch((raised: unknown) => raised)
    expect(error).toBeInstanceOf(OpenAI.PermissionDeniedError)
    expect(error).toMatchObject({ code: 'invalid_api_key' })
    expect(String(error)).toContain('Incorrect API key provided: Bearer ***')
    expect(String(error)).not.toContain(openaiCredential.slice(8))
  })

  it('writes nothing of it into the receipt', async () => {
    echo = { status: 400 }
    await call()
    const { body } = await hasp.api('GET', '/receipts?limit=100')
    expect(JSON.stringify(body)).not.toContain(openaiCredential.slice(8))
  })
})
