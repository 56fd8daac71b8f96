import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Dialect } from '#providers/provider.ts'
import { refusalBody, refusalHeaders, streamRefusal } from '#proxy/dialects/write-refusal.ts'
import { refusalRules, type RefusalCode, type RefusalStatus } from '#proxy/refusal-rules.ts'
import { Refusal } from '#proxy/refusal.ts'

// SAFETY: the keys of a constant object.
const codes = Object.keys(refusalRules) as RefusalCode[]

/** The class as which each SDK must raise a status. */
const openaiClasses: Record<RefusalStatus, new (...args: never[]) => Error> = {
  400: OpenAI.BadRequestError,
  401: OpenAI.AuthenticationError,
  403: OpenAI.PermissionDeniedError,
  404: OpenAI.NotFoundError,
  405: OpenAI.APIError,
  408: OpenAI.APIError,
  413: OpenAI.APIError,
  415: OpenAI.APIError,
  429: OpenAI.RateLimitError,
  500: OpenAI.InternalServerError,
  502: OpenAI.InternalServerError,
  503: OpenAI.InternalServerError,
  504: OpenAI.InternalServerError,
}
const anthropicClasses: typeof openaiClasses = {
  400: Anthropic.BadRequestError,
  401: Anthropic.AuthenticationError,
  403: Anthropic.PermissionDeniedError,
  404: Anthropic.NotFoundError,
  405: Anthropic.APIError,
  408: Anthropic.APIError,
  413: Anthropic.APIError,
  415: Anthropic.APIError,
  429: Anthropic.RateLimitError,
  500: Anthropic.InternalServerError,
  502: Anthropic.InternalServerError,
  503: Anthropic.InternalServerError,
  504: Anthropic.InternalServerError,
}

const requestId = '019a0000-0000-7000-8000-000000000001'

let server: Server
let origin: string
let listener: RequestListener
let requestCount: number

beforeEach(async () => {
  requestCount = 0
  server = createServer((request, response) => {
    requestCount++
    listener(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // SAFETY: listening on a TCP port.
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

function answerWith(dialect: Dialect, refusal: Refusal, extraHeaders: string[] = []): void {
  listener = (_, response) => {
    response
      .writeHead(refusal.status, [...refusalHeaders(dialect, refusal, requestId), ...extraHeaders])
      .end(refusalBody(dialect, refusal, requestId))
  }
}

function callOpenai(stream: boolean): Promise<unknown> {
  const client = new OpenAI({
    baseURL: `${origin}/openai/v1`,
    apiKey: 'hasp_vk_x',
    maxRetries: 1,
    logLevel: 'off',
  })
  if (!stream) return client.chat.completions.create({ model: 'gpt-5', messages: [] })
  return client.chat.completions.create({ model: 'gpt-5', messages: [], stream }).then(collect)
}

function callAnthropic(stream: boolean): Promise<unknown> {
  const client = new Anthropic({
    baseURL: `${origin}/anthropic`,
    apiKey: 'hasp_vk_x',
    maxRetries: 1,
    logLevel: 'off',
  })
  const body = { model: 'claude-x', max_tokens: 1, messages: [] }
  if (!stream) return client.messages.create(body)
  return client.messages.create({ ...body, stream }).then(collect)
}

async function collect(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const items: unknown[] = []
  for await (const item of stream) items.push(item)
  return items
}

async function errorOf(call: Promise<unknown>): Promise<Error> {
  try {
    await call
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('no error was raised')
}

/** Without this a transient refusal would make each case wait for the SDK's own half second. */
const retrySoon = ['retry-after-ms', '1']

describe.each(codes)('the refusal %s', (code) => {
  const refusal = new Refusal(code)
  const tries = refusal.isTerminal ? 1 : 2

  it("is the right error of OpenAI's SDK, and retried only if that can help", async () => {
    answerWith('openai', refusal, retrySoon)
    const error = await errorOf(callOpenai(false))
    expect(error).toBeInstanceOf(openaiClasses[refusal.status])
    expect(error).toMatchObject({ status: refusal.status, code, requestID: requestId })
    expect(error.message).toBe(`${refusal.status} ${refusal.message}`)
    expect(requestCount).toBe(tries)
  })

  it("is the right error of Anthropic's SDK, and retried only if that can help", async () => {
    answerWith('anthropic', refusal, retrySoon)
    const error = await errorOf(callAnthropic(false))
    expect(error).toBeInstanceOf(anthropicClasses[refusal.status])
    expect(error).toMatchObject({
      status: refusal.status,
      errorCode: code,
      apiMessage: refusal.message,
      requestID: requestId,
      error: { request_id: requestId },
    })
    expect(requestCount).toBe(tries)
  })

  it('says what to do in a sentence that ends', () => {
    expect(refusal.message).toMatch(/^[A-Z].{30,}[.)]$/)
  })
})

describe('a refusal', () => {
  it('asks to wait at least a second and never longer than half a minute, and only where waiting can help', () => {
    expect(new Refusal('kek_unreachable', { retryAfterSeconds: 86_400 }).retryAfterSeconds).toBe(30)
    expect(new Refusal('kek_unreachable', { retryAfterSeconds: 0.2 }).retryAfterSeconds).toBe(1)
    expect(new Refusal('kek_unreachable').retryAfterSeconds).toBe(2)
    expect(new Refusal('kek_revoked', { retryAfterSeconds: 5 }).retryAfterSeconds).toBeUndefined()
  })

  it('carries its code, its conditions and its id in headers too, the id where its dialect looks for it', () => {
    const json = ['content-type', 'application/json; charset=utf-8', 'cache-control', 'no-store']
    const revoked = ['x-hasp-error', 'kek_revoked', 'x-request-id', requestId, 'x-should-retry', 'false']
    expect(refusalHeaders('openai', new Refusal('kek_revoked'), requestId)).toEqual([...json, ...revoked])
    const throttled = ['x-hasp-error', 'kek_throttled', 'request-id', requestId, 'retry-after', '1']
    expect(refusalHeaders('anthropic', new Refusal('kek_throttled'), requestId)).toEqual([
      ...json,
      ...throttled,
    ])
    const notAllowed = new Refusal('method_not_allowed', { allow: 'POST' })
    expect(refusalHeaders('openai', notAllowed, requestId)).toContain('allow')
    expect(notAllowed.message).toMatch(/ It takes POST\.$/)
  })

  it('is waited out by an SDK for as long as it asks', async () => {
    const refusal = new Refusal('kek_throttled')
    answerWith('anthropic', refusal)
    const start = performance.now()
    await errorOf(callAnthropic(false))
    expect(performance.now() - start).toBeGreaterThan(990)
  })
})

describe('a stream that is cut by a refusal', () => {
  const refusal = new Refusal('kek_revoked')
  const chunk = 'data: {"id":"1","choices":[{"delta":{"content":"Hello"}}]}'
  const delta =
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}'

  function streamWith(dialect: Dialect, written: string): void {
    listener = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(written)
      response.end(streamRefusal(dialect, refusal))
    }
  }

  it.each([
    ['before its first event', ''],
    ['between two events', `${chunk}\n\n`],
    ['between two events with CRLF', `${chunk}\r\n\r\n`],
    ['behind a whole line', `${chunk}\n`],
    ['behind a comment', ': ping\n\n'],
    ['at the end of an event without its line end', chunk],
  ])("ends with the refusal in OpenAI's SDK: %s", async (_, written) => {
    streamWith('openai', written)
    const error = await errorOf(callOpenai(true))
    expect(error).toBeInstanceOf(OpenAI.APIError)
    expect(error).toMatchObject({ code: 'kek_revoked', message: refusal.message })
  })

  it.each([
    ['before its first event', ''],
    ['between two events', `${delta}\n\n`],
    ['between two events with CRLF', `${delta.replaceAll('\n', '\r\n')}\r\n\r\n`],
    ['behind the name of an event', 'event: content_block_delta\n'],
    ['within the name of an event', 'event: content_bl'],
    ['behind a whole line', `${delta}\n`],
  ])("ends with the refusal in Anthropic's SDK: %s", async (_, written) => {
    streamWith('anthropic', written)
    const error = await errorOf(callAnthropic(true))
    expect(error).toBeInstanceOf(Anthropic.APIError)
    expect(error).toMatchObject({
      errorCode: 'kek_revoked',
      type: 'permission_error',
      apiMessage: refusal.message,
    })
  })

  it('is never taken for a whole answer, wherever it is cut', async () => {
    for (let cut = 0; cut < chunk.length; cut += 7) {
      streamWith('openai', chunk.slice(0, cut))
      expect(await errorOf(callOpenai(true))).toBeInstanceOf(Error)
    }
    for (let cut = 0; cut < delta.length; cut += 7) {
      streamWith('anthropic', delta.slice(0, cut))
      const error = await errorOf(callAnthropic(true))
      expect(error).toBeInstanceOf(Anthropic.APIError)
      expect(error.message).toContain('kek_revoked')
    }
  })
})
