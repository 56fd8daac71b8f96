import { describe, expect, it } from 'vitest'
import { anthropic } from '#providers/anthropic.ts'
import { openai } from '#providers/openai.ts'
import { selectReplyHeaders } from '#proxy/reply-headers.ts'

const marks = { receipt: 'rcpt_1', target: 'prod-openai', unwrap: 'fresh' }
const own = ['x-hasp-receipt', 'rcpt_1', 'x-hasp-target', 'prod-openai', 'x-hasp-unwrap', 'fresh']

describe("a provider's reply headers", () => {
  it('reach the caller where SDKs read them', () => {
    const reply = {
      'content-type': 'text/event-stream',
      'content-encoding': 'gzip',
      'content-length': '12',
      'x-request-id': 'req_1',
      'openai-processing-ms': '12',
      'x-ratelimit-remaining-tokens': '99',
      'retry-after': '3',
      'retry-after-ms': '2500',
      'x-should-retry': 'true',
    }
    expect(selectReplyHeaders(200, reply, openai, marks)).toEqual([...own, ...Object.entries(reply).flat()])
    const limits = { 'request-id': 'req_2', 'anthropic-ratelimit-requests-limit': '50' }
    expect(selectReplyHeaders(200, limits, anthropic, marks)).toEqual([
      ...own,
      ...Object.entries(limits).flat(),
    ])
  })

  it('reach the caller once for each value', () => {
    const headers = { 'cache-control': ['no-cache', 'private'], 'x-request-id': 'req_1' }
    expect(selectReplyHeaders(200, headers, openai, marks)).toEqual([
      ...own,
      'cache-control',
      'no-cache',
      'cache-control',
      'private',
      'x-request-id',
      'req_1',
    ])
  })

  it.each([
    'set-cookie',
    'openai-organization',
    'openai-project',
    'anthropic-organization-id',
    'anthropic-workspace-id',
    'server',
    'date',
    'alt-svc',
    'location',
    'link',
    'via',
    'cf-ray',
    'connection',
    'keep-alive',
    'transfer-encoding',
    'trailer',
    'upgrade',
    'www-authenticate',
    'proxy-authenticate',
    'strict-transport-security',
    'access-control-allow-origin',
    'x-hasp-receipt',
    'x-hasp-error',
    'authorization',
    'x-anything',
  ])('do not hand on %s', (name) => {
    for (const provider of [openai, anthropic])
      expect(selectReplyHeaders(200, { [name]: 'x' }, provider, marks)).toEqual(own)
  })

  it('do not hand on what connection names', () => {
    for (const connection of ['close, X-Request-Id', ['close', 'X-Request-Id']]) {
      const reply = { connection, 'x-request-id': 'req_1', 'content-type': 'a/b' }
      expect(selectReplyHeaders(200, reply, openai, marks)).toEqual([...own, 'content-type', 'a/b'])
    }
  })

  it('lose a value that could not be written', () => {
    const reply = { 'content-type': 'a\u0000b', 'x-request-id': 'r\r\nset-cookie: x' }
    expect(selectReplyHeaders(200, reply, openai, marks)).toEqual(own)
  })

  it('give a 204 no length, which would make a reader wait for a body that does not come', () => {
    const reply = { 'content-length': '40', 'x-request-id': 'req_1' }
    expect(selectReplyHeaders(204, reply, openai, marks)).toEqual([...own, 'x-request-id', 'req_1'])
    expect(selectReplyHeaders(200, reply, openai, marks)).toContain('content-length')
  })
})
