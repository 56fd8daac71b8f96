import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { countAnswers, exchangeRaw } from '../support/raw-exchange.ts'
import { lentCredential, startRawProviderHasp } from './support/raw-provider-hasp.ts'

const ok = 'content-length: 2\r\n\r\nok'

describe('an answer of a provider that is written by hand, byte for byte', () => {
  let running: Awaited<ReturnType<typeof startRawProviderHasp>>
  let reply = ''
  beforeAll(async () => {
    running = await startRawProviderHasp(() => reply)
  })
  afterAll(() => running[Symbol.asyncDispose]())

  /** The same request twice on one connection, whose second answer must be the second one's own. */
  const callTwice = async (given: string) => {
    reply = given
    const body = JSON.stringify({ model: 'gpt-5', messages: [] })
    const request = [
      'POST /openai/v1/chat/completions HTTP/1.1',
      'host: hasp',
      `authorization: Bearer ${running.agent}`,
      'content-type: application/json',
      `content-length: ${body.length}`,
      '',
      body,
    ].join('\r\n')
    const isWhole = (text: string) =>
      countAnswers(text) === 2 && /(ok|\}|0\r\n\r\n|Keep-Alive: [^\r]*\r\n\r\n)$/.test(text)
    const { text } = await exchangeRaw(running.hasp.url, request + request, isWhole)
    expect(text).not.toContain(lentCredential)
    const [first = '', second = ''] = text.split(/(?=HTTP\/1\.1 \d)/)
    expect(withoutIds(second)).toBe(withoutIds(first))
    return first
  }
  /** Receipts, unwraps, dates and the ids of our refusals differ from answer to answer. */
  const withoutIds = (answer: string) =>
    answer.replaceAll(/^(?:(?:x-hasp-(?:receipt|unwrap)|date): .*|x-request-id: [\da-f-]{36})\r\n/gim, '')
  const headersOf = (answer: string) =>
    answer
      .slice(0, answer.indexOf('\r\n\r\n'))
      .split('\r\n')
      .slice(1)
      .map((line) => line.toLowerCase())
      .filter((line) => !/^(x-hasp-(receipt|target|unwrap)|date|connection|keep-alive): /.test(line))

  it.each([
    [
      'a length and chunks',
      `HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    ],
    [
      'chunks and a length',
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    ],
    ['two lengths', `HTTP/1.1 200 OK\r\ncontent-length: 2\r\n${ok}`],
    ['a list of lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nok'],
    ['a signed length', 'HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nok'],
    ['an empty length', 'HTTP/1.1 200 OK\r\ncontent-length: \r\n\r\nok'],
    ['a folded line', `HTTP/1.1 200 OK\r\nx-request-id: a\r\n set-cookie: 1\r\n${ok}`],
    ['a bare carriage return', `HTTP/1.1 200 OK\r\nx-request-id: a\rset-cookie: 1\r\n${ok}`],
    ['line feeds alone', `HTTP/1.1 200 OK\r\nx-request-id: a\n${ok}`],
    ['a NUL', `HTTP/1.1 200 OK\r\nx-request-id: a\0b\r\n${ok}`],
    ['a status below 100', `HTTP/1.1 099 Odd\r\n${ok}`],
    [
      'a body for an interim answer',
      `HTTP/1.1 102 Processing\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n${ok}`,
    ],
    ['no HTTP', 'hello\r\n\r\n'],
  ])('is not handed on where parsers read it differently: %s', async (_, given) => {
    expect(await callTwice(given)).toMatch(/^HTTP\/1\.1 502 [^]*\r\nx-hasp-error: upstream_unreachable\r\n/)
  })

  it('is handed on without what comes behind it, and without interim answers before it', async () => {
    const early = 'HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n'
    const answer = await callTwice(
      `${early}HTTP/1.1 200 OK\r\n${ok}HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil`,
    )
    expect(headersOf(answer)).toEqual(['content-length: 2'])
    expect(answer).toMatch(/\r\n\r\nok$/)
  })

  it('is handed on without trailers', async () => {
    const given =
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-hasp-receipt\r\n\r\n2\r\nok\r\n0\r\nx-hasp-receipt: mine\r\nset-cookie: a\r\n\r\n'
    const answer = await callTwice(given)
    expect(headersOf(answer)).toEqual(['transfer-encoding: chunked'])
    expect(answer).toMatch(/\r\n\r\n2\r\nok\r\n0\r\n\r\n$/)
  })

  it('has no length where it has no body, so that nobody takes the next answer for one', async () => {
    const answer = await callTwice('HTTP/1.1 204 No Content\r\ncontent-length: 40\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1\.1 204 /)
    expect(headersOf(answer)).toEqual([])
  })

  it('is framed anew where its connection header names its length', async () => {
    const answer = await callTwice(
      `HTTP/1.1 200 OK\r\nconnection: Content-Length, x-request-id\r\nx-request-id: a\r\n${ok}`,
    )
    expect(headersOf(answer)).toEqual(['transfer-encoding: chunked'])
  })

  it('is handed on with none of the headers that objects have by themselves, nor any of ours', async () => {
    const odd = [
      '__proto__: x-request-id',
      'constructor: b',
      '__proto__: c',
      'toString: d',
      'x-hasp-error: e',
      'x-hasp-receipt: f',
    ]
    const answer = await callTwice(['HTTP/1.1 200 OK', ...odd, 'x-request-id: r', ok].join('\r\n'))
    expect(headersOf(answer)).toEqual(['x-request-id: r', 'content-length: 2'])
    expect(answer.match(/x-hasp-receipt: /g)).toHaveLength(1)
  })

  it('is handed on however many headers it has that nobody wants', async () => {
    const answer = await callTwice(`HTTP/1.1 200 OK\r\n${'a: \r\n'.repeat(15_000)}${ok}`)
    expect(headersOf(answer)).toEqual(['content-length: 2'])
    expect(await callTwice(`HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(20_000)}${ok}`)).toMatch(
      /^HTTP\/1\.1 502 /,
    )
  })

  it('puts no more of its own into the ledger than an id is long', async () => {
    const id = `req_${'i'.repeat(20_000)}`
    const answer = await callTwice(`HTTP/1.1 200 OK\r\nx-request-id: ${id}\r\n${ok}`)
    expect(headersOf(answer)).toContain(`x-request-id: ${id}`)
    const receiptId = /x-hasp-receipt: (\S+)/.exec(answer)?.[1]
    await expect
      .poll(async () => {
        const { body } = await running.hasp.api('GET', '/receipts?limit=100')
        return body.items.find((one: { receiptId: string }) => one.receiptId === receiptId)?.outcome
          ?.upstreamRequestId
      })
      .toBe(id.slice(0, 256))
  })
})
