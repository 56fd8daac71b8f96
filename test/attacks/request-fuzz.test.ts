import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { countAnswers, exchangeRaw } from '../support/raw-exchange.ts'
import { lentCredential, startRawProviderHasp } from './support/raw-provider-hasp.ts'

/** Good often enough that what is odd elsewhere is seen by whoever reads it last. */
const mostly = <Value>(good: readonly Value[], odd: readonly Value[]) =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...good) },
    { weight: 1, arbitrary: fc.constantFrom(...odd) },
  )
const anyCase = (name: string) =>
  fc
    .array(fc.boolean(), { minLength: name.length, maxLength: name.length })
    .map((uppers) =>
      Array.from(name, (letter, at) => (uppers[at] === true ? letter.toUpperCase() : letter)).join(''),
    )
const named = (name: string, ...values: string[]) =>
  fc
    .tuple(fc.oneof({ weight: 3, arbitrary: fc.constant(name) }, anyCase(name)), fc.constantFrom(...values))
    .map(([written, value]) => `${written}: ${value}`)
const methods = mostly(
  ['POST'],
  ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'QUERY', 'CONNECT', 'post'],
)
const paths = mostly(
  ['/openai/v1/chat/completions', '/openai/v1/responses', '/v1/chat/completions'],
  [
    '/openai/v1/models',
    '/openai/v1/models/*',
    '/openai/v1/files',
    '/openai//v1/chat/completions',
    '/openai/v1/./chat/completions',
    '/openai/v1/chat%2fcompletions',
    '/openai/v1/organization/users',
    '/v1/__proto__',
    'http://hasp/openai/v1/models',
    '*',
  ],
)
const oddLines = fc.oneof(
  named('connection', 'keep-alive', 'close', 'upgrade', 'close, x-hasp-target', 'content-length'),
  named('expect', '100-continue', 'a-miracle', ''),
  named('upgrade', 'h2c', 'websocket'),
  named('x-hasp-target', 'main', 'other', '', '__proto__', 'main, other'),
  named('content-encoding', 'identity', 'gzip', ''),
  named('content-type', 'text/plain', 'multipart/form-data; boundary=x', ''),
  named('user-agent', 'a', 'caf\xe9', ''),
  named('accept', '*/*'),
  named('x-api-key', 'sk-foreign', ''),
  fc.constantFrom(
    '__proto__: a',
    'constructor: b',
    'cookie: c',
    'x-forwarded-for: d',
    'openai-organization: e',
  ),
  fc.constantFrom('x-a: b\0', 'x-a: b\rc', 'x-a : b', ' folded', 'no colon', ': no name', 'x-\xe9: a'),
)
const allowed = '{"model":"gpt-5","messages":[]}'
const bodies = mostly(
  [allowed],
  [
    '{"model":"gpt-4o"}',
    '{"model":"gpt-5","model":"gpt-4o"}',
    '{"model":"gpt-5","\\u006dodel":"gpt-4o"}',
    '{"model":"gpt-5","MODEL":"gpt-4o"}',
    '\xef\xbb\xbf{"model":"gpt-4o"}',
    '{}',
    '',
  ],
)
const chunked = (body: string) =>
  `${body === '' ? '' : `${body.length.toString(16)}\r\n${body}\r\n`}0\r\n\r\n`
type Frame = (body: string) => readonly [lines: string[], body: string]
const frames = mostly<Frame>(
  [
    (body) => [[`content-length: ${body.length}`], body],
    (body) => [['transfer-encoding: chunked'], chunked(body)],
  ],
  [
    (body) => [[`content-length: ${body.length}`, 'transfer-encoding: chunked'], chunked(body)],
    (body) => [['transfer-encoding: chunked', 'transfer-encoding: identity'], chunked(body)],
    (body) => [['transfer-encoding: chunked, identity'], chunked(body)],
    (body) => [['transfer-encoding: xchunked'], chunked(body)],
    (body) => [[`content-length: +${body.length}`], body],
    (body) => [[`content-length: ${body.length}`, 'content-length: 0'], body],
    (body) => [[`content-length: ${body.length >> 1}`], body],
    (body) => [[], body],
  ],
)
const json = ['content-type: application/json']
const requests = fc.record({
  method: methods,
  path: paths,
  version: mostly(['HTTP/1.1'], ['HTTP/1.0', 'HTTP/2.0', '']),
  host: mostly([['host: hasp']], [['host: hasp', 'host: b'], []]),
  presented: mostly(['authorization: Bearer KEY', 'X-API-Key: KEY'], ['authorization: KEY', 'x-a: KEY']),
  type: mostly([json], [[], [...json, ...json]]),
  odd: fc.oneof(
    { weight: 4, arbitrary: fc.constant([]) },
    fc.array(oddLines, { minLength: 1, maxLength: 3 }),
  ),
  body: bodies,
  frame: frames,
  isFrameFirst: fc.boolean(),
})

describe('whatever is written to the port', () => {
  let running: Awaited<ReturnType<typeof startRawProviderHasp>>
  beforeAll(async () => {
    running = await startRawProviderHasp(() => 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
  })
  afterAll(() => running[Symbol.asyncDispose]())

  const forwardable = /^(host|connection|authorization|content-(type|length)|accept|user-agent)$/

  it('is lent to as one plain request within its scope, or refused with the reason, and never takes Hasp down', async () => {
    const statuses = new Set<number>()
    await fc.assert(
      fc.asyncProperty(requests, async ({ method, path, version, host, presented, type, odd, ...rest }) => {
        running.seen.length = 0
        const [framing, body] = rest.frame(rest.body)
        const lines = [...host, presented.replace('KEY', running.limited), ...type, ...odd]
        const head = [
          `${method} ${path} ${version}`,
          ...(rest.isFrameFirst ? [...framing, ...lines] : [...lines, ...framing]),
        ]
        const isWhole = (text: string) => countAnswers(text) > 0 && /(ok|\}|\r\n\r\n)$/.test(text)
        const { text } = await exchangeRaw(
          running.hasp.url,
          `${head.join('\r\n')}\r\n\r\n${body}`,
          isWhole,
          5_000,
        )

        const [status = 0] = [...text.matchAll(/HTTP\/1\.1 ([2-9]\d\d) /g)].map(([, digits]) =>
          Number(digits),
        )
        statuses.add(status)
        expect(text).not.toContain(lentCredential)
        if (status !== 200) expect(text).toMatch(/x-hasp-error: \w+|"code":"\w+"|application\/problem\+json/)
        expect(running.malformed).toEqual([])
        for (const { line, headers, body: sent } of running.seen) {
          expect(headers).toContainEqual(['authorization', `Bearer ${lentCredential}`])
          for (const [name] of headers) expect(name).toMatch(forwardable)
          // A list of models is of no model; everything else that this key may do says which one it runs.
          if (line !== 'GET /v1/models HTTP/1.1') expect(sent).toBe(allowed)
        }
      }),
      { numRuns: 500 },
    )
    for (const status of [200, 400, 403]) expect(statuses).toContain(status)
    expect((await fetch(`${running.hasp.url}/livez`)).status).toBe(200)
    expect(running.hasp.logLines.filter((line) => line.includes('unexpected'))).toEqual([])
  })
})
