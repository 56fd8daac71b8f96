import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { countAnswers, exchangeRaw } from '../support/raw-exchange.ts'
import { startRawProviderHasp } from './support/raw-provider-hasp.ts'

const chat = JSON.stringify({ model: 'gpt-5', messages: [] })
const completions = 'POST /openai/v1/chat/completions HTTP/1.1'
const models = 'GET /openai/v1/models HTTP/1.1'
const json = 'content-type: application/json'
const lengthOf = (body: string) => `content-length: ${body.length}`
const chunked = (body: string) => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`

describe('a request that is written by hand, byte for byte', () => {
  let running: Awaited<ReturnType<typeof startRawProviderHasp>>
  let reply: string
  beforeAll(async () => {
    running = await startRawProviderHasp(() => reply)
  })
  beforeEach(() => {
    reply = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
    running.seen.length = 0
  })
  afterAll(() => running[Symbol.asyncDispose]())

  /** `KEY` in a line stands for a virtual key. */
  const write = (lines: readonly string[], body = '') =>
    `${lines.join('\r\n').replaceAll('KEY', running.agent)}\r\n\r\n${body}`
  /** Until so many answers are there; without a number, until Hasp closes. */
  const send = async (text: string, answers?: number) => {
    const isWhole = (received: string) => countAnswers(received) === answers && /(ok|\})$/.test(received)
    const { text: received, isClosed } = await exchangeRaw(running.hasp.url, text, isWhole)
    const code = /"(?:error_)?code":"(\w+)"/.exec(received)?.[1]
    return { status: Number(received.slice(9, 12)), code, received, isClosed }
  }
  const authorized = ['host: hasp', 'authorization: Bearer KEY', json]

  it.each<[string, string[], string]>([
    ['a length twice', [lengthOf(chat), lengthOf(chat)], chat],
    ['a length and chunks', [lengthOf(chat), 'transfer-encoding: chunked'], chunked(chat)],
    ['chunks and a length', ['transfer-encoding: chunked', lengthOf(chat)], chunked(chat)],
    ['chunked twice', ['transfer-encoding: chunked', 'transfer-encoding: chunked'], chunked(chat)],
    ['a coding before chunked', ['transfer-encoding: ,chunked'], chunked(chat)],
    ['a coding behind chunked', ['transfer-encoding: chunked, identity'], chunked(chat)],
    ['chunked and a space that is none', ['transfer-encoding: chunked\xa0'], chunked(chat)],
    ['a space before the colon', [`content-length : ${chat.length}`], chat],
    ['a folded line', ['x-a: b', ' c', lengthOf(chat)], chat],
    ['a bare carriage return', [`x-a: b\rtransfer-encoding: chunked`, lengthOf(chat)], chat],
    [
      'line feeds alone between chunks',
      ['transfer-encoding: chunked'],
      chunked(chat).replaceAll('\r\n', '\n'),
    ],
    ['a target twice', ['x-hasp-target: main', 'X-HASP-Target: main', lengthOf(chat)], chat],
    ['a host twice', ['host: other', lengthOf(chat)], chat],
    ['a connection that names a header', ['connection: close, authorization', lengthOf(chat)], chat],
    ['an upgrade', ['connection: upgrade', 'upgrade: h2c', lengthOf(chat)], chat],
    ['an expectation that nobody knows', ['expect: a-miracle', lengthOf(chat)], chat],
  ])('is refused, with the reason, and nothing of it forwarded: %s', async (_, lines, body) => {
    const { status, code, isClosed } = await send(write([completions, ...authorized, ...lines], body))
    expect(status).toBe(400)
    expect(code).toMatch(/^(header_refused|request_malformed)$/)
    expect(isClosed).toBe(true)
    expect(running.seen).toEqual([])
  })

  it('is told what it lacks where it names no host', async () => {
    const reply = await send(write([completions, 'authorization: Bearer KEY', json, lengthOf(chat)], chat))
    expect(reply).toMatchObject({ status: 400, code: 'request_malformed', isClosed: true })
    expect(reply.received).toContain('has a \\"host\\" header')
    expect(running.seen).toEqual([])
  })

  it('is told what Hasp is not where it asks for a tunnel', async () => {
    const reply = await send(write(['CONNECT api.openai.com:443 HTTP/1.1', 'host: api.openai.com:443']))
    expect(reply).toMatchObject({ status: 501, isClosed: true })
    expect(reply.received).toContain('not as HTTPS_PROXY')
  })

  it.each([
    ['of another HTTP', 'GET /livez HTTP/2.0\r\nhost: hasp\r\n\r\n'],
    ['without a host', 'GET /livez HTTP/1.1\r\n\r\n'],
    ['for a tunnel', 'CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['that is none', 'hello\r\n\r\n'],
  ])('does not keep its connection from closing when it is refused: one %s', async (_, text) => {
    const { server } = running.hasp.context.server
    const open = () => new Promise<number>((resolve) => server.getConnections((__, count) => resolve(count)))
    const before = await open()
    const { hostname, port } = new URL(running.hasp.url)
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true }).on('error', () => {})
    const answered = once(socket, 'data')
    socket.write(text)
    await answered
    await expect.poll(open).toBeLessThanOrEqual(before)
    socket.destroy()
  })

  it.each(['HEAD', 'OPTIONS', 'TRACE', 'QUERY', 'PROPFIND'])(
    'is not forwarded by %s, whatever it carries',
    async (method) => {
      for (const path of ['/openai/v1/models', '/openai/v1/chat/completions', '/v1/models']) {
        const { received } = await send(
          write([`${method} ${path} HTTP/1.1`, ...authorized, 'connection: close', lengthOf(chat)], chat),
        )
        expect(received).toMatch(/^HTTP\/1\.1 405 [^]*\r\nx-hasp-error: method_not_allowed\r\n/)
      }
      expect(running.seen).toEqual([])
    },
  )

  it.each([
    ['a length', [lengthOf('{}')], '{}'],
    ['chunks', ['transfer-encoding: Chunked'], chunked('{}')],
    ['chunks of nothing', ['transfer-encoding: chunked'], '0\r\n\r\n'],
    ['a length of nothing', ['content-length: 000'], ''],
  ])(
    'reaches the provider with one length, whatever framed the body of its GET: %s',
    async (_, lines, body) => {
      expect((await send(write([models, ...authorized, ...lines], body), 1)).status).toBe(200)
      expect(running.malformed).toEqual([])
      expect(running.seen).toMatchObject([
        { line: 'GET /v1/models HTTP/1.1', body: body === '' || body.startsWith('0') ? '' : '{}' },
      ])
    },
  )

  it('reaches the provider with none of the headers that objects have by themselves', async () => {
    const odd = ['__proto__: a', 'constructor: b', '__proto__: c', 'toString: d', 'hasOwnProperty: e']
    expect((await send(write([completions, ...authorized, ...odd, lengthOf(chat)], chat), 1)).status).toBe(
      200,
    )
    const names = running.seen.flatMap(({ headers }) => headers.map(([name]) => name))
    expect(names).toEqual(['host', 'connection', 'authorization', 'content-type', 'content-length'])
    for (const name of ['__proto__', 'constructor', 'toString']) {
      expect(
        (await send(write([completions, ...authorized, `x-hasp-target: ${name}`, lengthOf(chat)], chat), 1))
          .code,
      ).toBe('no_target')
    }
  })

  it('gives nothing of its own to the next one on its connection', async () => {
    const other = JSON.stringify({ model: 'gpt-4o', messages: [] })
    const first = write([completions, ...authorized, lengthOf(chat)], chat)
    const second = write(
      [completions, 'host: hasp', `authorization: Bearer ${running.limited}`, json, lengthOf(other)],
      other,
    )
    const third = write([completions, 'host: hasp', json, lengthOf(chat)], chat)
    const { received } = await send(first + second + third, 3)
    expect(received.match(/HTTP\/1\.1 \d\d\d|x-hasp-error: \w+/g)).toEqual([
      'HTTP/1.1 200',
      'HTTP/1.1 403',
      'x-hasp-error: model_not_allowed',
      'HTTP/1.1 401',
      'x-hasp-error: virtual_key_missing',
    ])
    expect(running.seen).toMatchObject([{ body: chat }])
  })

  it('is told to go on before its own answer or not at all, never within one', async () => {
    const expecting = write([completions, ...authorized, 'expect: 100-continue', lengthOf(chat)], chat)
    const { received } = await send(expecting + expecting, 2)
    expect(received).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /)
    expect(received.match(/HTTP\/1\.1 \d\d\d|\r\n\r\nok/g)).toEqual([
      'HTTP/1.1 100',
      'HTTP/1.1 200',
      '\r\n\r\nok',
      'HTTP/1.1 200',
      '\r\n\r\nok',
    ])
  })

  it('that is malformed puts no word of its own into the answer that is under way', async () => {
    reply = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n'
    const begun = write([completions, ...authorized, lengthOf(chat)], chat)
    const { hostname, port } = new URL(running.hasp.url)
    const socket = connect(Number(port), hostname).on('error', () => {})
    let received = ''
    socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')))
    const closed = once(socket, 'close')
    socket.write(begun)
    await expect.poll(() => received).toMatch(/\r\n\r\n2\r\nok\r\n$/)
    socket.write('hello\r\n\r\n')
    await closed
    expect(received).toMatch(/\r\n\r\n2\r\nok\r\n$/)
  })

  it('is one request to the provider, however much of another stands in its body', async () => {
    const inner = write([models, ...authorized])
    const body = JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: inner }] })
    expect((await send(write([completions, ...authorized, lengthOf(body)], body), 1)).status).toBe(200)
    expect(running.seen).toMatchObject([{ body }])
    const short = write([completions, ...authorized, 'content-length: 2'], `{}${inner}`)
    expect((await send(short, 2)).received).toContain('ok')
    expect(running.seen.map(({ line }) => line).sort()).toEqual([
      'GET /v1/models HTTP/1.1',
      'POST /v1/chat/completions HTTP/1.1',
      'POST /v1/chat/completions HTTP/1.1',
    ])
    expect(running.malformed).toEqual([])
  })

  it('takes nothing from its trailers', async () => {
    const trailing = chunked(chat).replace(
      /\r\n$/,
      'x-hasp-target: other\r\nx-api-key: hasp_vk_other\r\n\r\n',
    )
    const text = write([completions, ...authorized, 'transfer-encoding: chunked'], trailing)
    expect(await send(text, 1)).toMatchObject({ status: 200 })
    expect(running.seen).toMatchObject([{ body: chat }])
    expect(JSON.stringify(running.seen)).not.toMatch(/other/)
  })
})
