import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { anthropic } from '#providers/anthropic.ts'
import { openai } from '#providers/openai.ts'
import { Refusal } from '#proxy/refusal.ts'
import { checkRequestHead } from '#proxy/request-head.ts'
import { selectRequestHeaders } from '#proxy/request-headers.ts'

const token = 'hasp_vk_0123456789abcdefghijABCDEFGHIJ'

function refusalOf(run: () => unknown): Refusal {
  try {
    run()
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
  throw new Error('accepted')
}

/** The raw headers of the one request that `call` makes. */
async function rawHeadersOf(call: (baseURL: string) => Promise<unknown>): Promise<string[]> {
  let seen: string[] = []
  const server = createServer((request, response) => {
    seen = request.rawHeaders
    response.writeHead(400, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // SAFETY: listening on a TCP port.
  const { port } = server.address() as AddressInfo
  await call(`http://127.0.0.1:${port}`).catch(() => undefined)
  await new Promise((resolve) => server.close(resolve))
  return seen
}

function asObject(flat: readonly string[]): Record<string, string> {
  return Object.fromEntries(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? '']] : [])))
}

describe('the headers that an unmodified SDK sends', () => {
  it("of OpenAI's reach the provider without the virtual key, the organisation or the project", async () => {
    const raw = await rawHeadersOf((origin) =>
      new OpenAI({
        baseURL: `${origin}/openai/v1`,
        apiKey: token,
        organization: 'org-x',
        project: 'proj-x',
        maxRetries: 0,
      }).chat.completions.create(
        { model: 'gpt-5', messages: [] },
        { headers: { 'OpenAI-Beta': 'assistants=v2' } },
      ),
    )
    expect(raw).toContain(`Bearer ${token}`)
    expect(checkRequestHead(raw)).toMatchObject({ contentType: 'application/json', contentLength: 31 })
    const sent = asObject(selectRequestHeaders(checkRequestHead(raw).headers, openai, { isStream: false }))
    expect(sent).toMatchObject({
      'content-type': 'application/json',
      'openai-beta': 'assistants=v2',
      'x-stainless-lang': 'js',
    })
    expect(sent['user-agent']).toMatch(/^OpenAI/)
    expect(JSON.stringify(sent)).not.toMatch(
      /hasp_vk|org-x|proj-x|"host"|"connection"|"content-length"|"authorization"/,
    )
  })

  it("of Anthropic's keep their version and betas", async () => {
    const raw = await rawHeadersOf((origin) =>
      new Anthropic({ baseURL: `${origin}/anthropic`, apiKey: token, maxRetries: 0 }).messages.create(
        { model: 'claude-x', max_tokens: 1, messages: [] },
        { headers: { 'anthropic-beta': 'context-1m-2025-08-07' } },
      ),
    )
    const sent = asObject(selectRequestHeaders(checkRequestHead(raw).headers, anthropic, { isStream: false }))
    const version = raw[raw.findIndex((name) => name.toLowerCase() === 'anthropic-version') + 1]
    expect(sent).toMatchObject({ 'anthropic-version': version, 'anthropic-beta': 'context-1m-2025-08-07' })
    expect(JSON.stringify(sent)).not.toContain('hasp_vk')
  })
})

describe('what is forwarded', () => {
  it('drops credentials, cookies, addresses, trace context, hop-by-hop headers and our own', () => {
    const dropped = [
      'authorization',
      'x-api-key',
      'api-key',
      'x-goog-api-key',
      'x-hasp-key',
      'x-hasp-anything',
      'proxy-authorization',
      'cookie',
      'forwarded',
      'x-forwarded-for',
      'x-forwarded-host',
      'x-real-ip',
      'via',
      'host',
      'connection',
      'keep-alive',
      'te',
      'trailer',
      'transfer-encoding',
      'content-length',
      'expect',
      'upgrade',
      'traceparent',
      'tracestate',
      'baggage',
      'origin',
      'referer',
      'openai-organization',
      'openai-project',
      'anthropic-dangerous-direct-browser-access',
      'x-amz-security-token',
      'x-http-method-override',
      'range',
      'if-none-match',
      'accept-language',
    ]
    const raw = dropped.flatMap((name) => [name, 'x'])
    expect(selectRequestHeaders(raw, openai, { isStream: false })).toEqual([])
    expect(selectRequestHeaders(raw, anthropic, { isStream: false })).toEqual([
      'anthropic-version',
      '2023-06-01',
    ])
  })

  it('is only what the chosen provider knows', () => {
    const raw = checkRequestHead([
      'OpenAI-Beta',
      'a',
      'Anthropic-Beta',
      'b',
      'Anthropic-Version',
      '2026-10-21',
    ]).headers
    expect(selectRequestHeaders(raw, openai, { isStream: false })).toEqual(['openai-beta', 'a'])
    expect(selectRequestHeaders(raw, anthropic, { isStream: false })).toEqual([
      'anthropic-beta',
      'b',
      'anthropic-version',
      '2026-10-21',
    ])
  })

  it('asks for a stream uncompressed, and leaves other answers as the caller wants them', () => {
    const raw = ['accept-encoding', 'gzip, br']
    expect(selectRequestHeaders(raw, openai, { isStream: true })).toEqual(['accept-encoding', 'identity'])
    expect(selectRequestHeaders([], openai, { isStream: true })).toEqual(['accept-encoding', 'identity'])
    expect(selectRequestHeaders(raw, openai, { isStream: false })).toEqual(raw)
  })

  it('joins the lines of a list and refuses a second line of anything else', () => {
    const betas = ['anthropic-beta', 'a', 'Anthropic-Beta', 'b', 'anthropic-version', '1']
    expect(selectRequestHeaders(checkRequestHead(betas).headers, anthropic, { isStream: false })).toEqual([
      'anthropic-beta',
      'a, b',
      'anthropic-version',
      '1',
    ])
    for (const name of ['anthropic-version', 'user-agent', 'x-stainless-lang']) {
      const run = () =>
        selectRequestHeaders(checkRequestHead([name, 'a', name.toUpperCase(), 'a']).headers, anthropic, {
          isStream: false,
        })
      expect(refusalOf(run).code).toBe('header_refused')
    }
  })

  it('is ASCII', () => {
    const raw = ['user-agent', 'caf\u00e9']
    expect(refusalOf(() => selectRequestHeaders(raw, openai, { isStream: false })).code).toBe(
      'header_refused',
    )
    expect(() => checkRequestHead(['cookie', 'caf\u00e9'])).not.toThrow()
  })
})

describe('a request head that two parsers could read differently', () => {
  it.each<[string, string[]]>([
    ['content-length with transfer-encoding', ['content-length', '5', 'transfer-encoding', 'chunked']],
    ['two lengths', ['content-length', '5', 'Content-Length', '5']],
    ['a list of lengths', ['content-length', '5, 5']],
    ['a signed length', ['content-length', '+5']],
    ['a hexadecimal length', ['content-length', '0x5']],
    ['a negative length', ['content-length', '-5']],
    ['an empty length', ['content-length', '']],
    ['a transfer coding beside chunked', ['transfer-encoding', 'gzip, chunked']],
    ['chunked twice', ['transfer-encoding', 'chunked, chunked']],
    ['two transfer-encodings', ['transfer-encoding', 'chunked', 'transfer-encoding', 'chunked']],
    ['an unknown transfer coding', ['transfer-encoding', 'xchunked']],
    ['a masked transfer coding', ['transfer-encoding', 'chunked\u000b']],
    ['an upgrade', ['upgrade', 'h2c']],
    ['a connection that names a header', ['connection', 'close, anthropic-version']],
    ['a connection that upgrades', ['connection', 'upgrade']],
    ['an unknown expectation', ['expect', 'a-miracle']],
    ['two hosts', ['host', 'a', 'host', 'b']],
    ['two content types', ['content-type', 'application/json', 'content-type', 'multipart/form-data']],
    ['a line end in a value', ['x-a', 'b\r\nx-evil: 1']],
    ['a folded value', ['x-a', 'b\r\n c']],
    ['a NUL in a value', ['x-a', 'b\u0000']],
    ['a space in a name', ['content-length ', '5']],
    ['a line end in a name', ['x\r\ny', '5']],
    ['an empty name', ['', '5']],
    ['a non-ASCII name', ['\u00e9', '5']],
    ['too many headers', Array.from({ length: 202 }, () => 'a')],
    ['too long headers', ['a', 'b'.repeat(32_768)]],
  ])('is refused: %s', (_, raw) => {
    expect(refusalOf(() => checkRequestHead(['accept', '*/*', ...raw])).code).toBe('header_refused')
  })

  it('is refused with 415 where the body is compressed', () => {
    expect(refusalOf(() => checkRequestHead(['content-encoding', 'gzip']))).toMatchObject({
      code: 'body_encoding_refused',
      status: 415,
    })
    expect(() => checkRequestHead(['content-encoding', 'identity'])).not.toThrow()
  })

  it('is not what ordinary clients send', () => {
    expect(
      checkRequestHead([
        'Host',
        'a',
        'Connection',
        'Keep-Alive, TE',
        'Transfer-Encoding',
        'Chunked',
        'Expect',
        '100-Continue',
      ]),
    ).toMatchObject({ contentType: undefined, contentLength: undefined, isChunked: true })
  })

  it('names its target once, in whatever case', () => {
    expect(checkRequestHead(['X-Hasp-Target', ' main '])).toMatchObject({ targetName: 'main' })
    expect(refusalOf(() => checkRequestHead(['x-hasp-target', 'a', 'X-HASP-Target', 'a'])).code).toBe(
      'header_refused',
    )
  })

  it('is never repeated by value in the answer', () => {
    expect(refusalOf(() => checkRequestHead(['x-api-key', 'sk-secret\n'])).message).not.toContain('sk-secret')
  })
})
