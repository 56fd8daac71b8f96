import { once } from 'node:events'
import {
  createServer,
  request as send,
  type ClientRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Receipt, ReceiptOutcome } from '#ledger/receipt.ts'
import { openai } from '#providers/openai.ts'
import { CallsInFlight } from '#proxy/calls-in-flight.ts'
import { CredentialMark } from '#proxy/credential-mark.ts'
import type { ProxyDeps } from '#proxy/deps.ts'
import { ProxiedCall } from '#proxy/proxied-call.ts'
import { ProxyStats } from '#proxy/proxy-stats.ts'
import { UpstreamError } from '#proxy/upstream/upstream-error.ts'
import type { ReplySink, UpstreamRequest } from '#proxy/upstream/upstream-request.ts'
import type { LendableTarget } from '#targets/lendable.ts'
import { makeReceipt } from '../../support/ledger.ts'

/** A real caller over a real connection; the provider is played by the test, reply by reply. */
describe('one proxied call', () => {
  let server: Server
  let client: ClientRequest
  let response: ServerResponse
  let provider: ReplySink
  let isAborted: boolean
  let isCredentialSent: boolean
  let isBodyLeaving: boolean
  let onBodyLeft: () => void
  let resumed: number
  let onResume: () => void
  let outcomes: ReceiptOutcome[]
  let rejected: unknown[]
  let used: unknown[]
  let calls: CallsInFlight
  let stopping: AbortController
  let receipt: Receipt
  let call: ProxiedCall
  let mark: CredentialMark
  let isOvertaken: boolean
  let exchanged: Promise<unknown>

  const begin = async (
    fields: { name?: string; streamRule?: 'cut' | 'drain'; idleTimeoutMs?: number } = {},
  ) => {
    const arrived = Promise.withResolvers<ServerResponse>()
    server = createServer((_, reply) => arrived.resolve(reply)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    client = send({ port: typeof address === 'object' ? address?.port : 0, host: '127.0.0.1' })
    client.on('error', () => {})
    client.end()
    response = await arrived.promise
    const deps = {
      transport: {
        send: (_: UpstreamRequest, sink: ReplySink) => {
          provider = sink
          return {
            abort: () => (isAborted = true),
            resume: () => onResume(),
            whenBodyLeft: (onLeft: () => void) => (isBodyLeaving ? (onBodyLeft = onLeft) : onLeft()),
            get isCredentialSent() {
              return isCredentialSent
            },
          }
        },
      },
      receipts: { settle: (outcome: ReceiptOutcome) => outcomes.push(outcome) },
      calls,
      stats: new ProxyStats(),
      stopping: stopping.signal,
      upstreamIdleTimeoutMs: fields.idleTimeoutMs ?? 60_000,
      onCredentialRejected: (target: unknown) => rejected.push(target),
      onTargetUsed: (target: unknown) => used.push(target),
    } as unknown as ProxyDeps
    const lendable = {
      target: { id: receipt.targetId, name: fields.name ?? 'main', generation: 3 },
      kek: { id: receipt.kekId, streamRule: fields.streamRule ?? 'cut' },
    } as LendableTarget
    call = new ProxiedCall(deps, {
      response,
      dialect: 'openai',
      provider: openai,
      lendable,
      receipt,
      requestBytes: 7,
      isStream: false,
      mark,
      isOvertaken: () => isOvertaken,
    })
    exchanged = call.exchange({} as UpstreamRequest).then(
      (end) => end,
      (error: unknown) => error,
    )
  }
  beforeEach(() => {
    isAborted = false
    isCredentialSent = true
    isBodyLeaving = false
    onBodyLeft = () => {}
    resumed = 0
    onResume = () => (resumed += 1)
    outcomes = []
    rejected = []
    used = []
    calls = new CallsInFlight(10)
    mark = new CredentialMark()
    isOvertaken = false
    stopping = new AbortController()
    receipt = makeReceipt({ orgId: 'org' })
  })
  afterEach(() => {
    client.destroy()
    server.closeAllConnections()
    server.close()
  })

  /** What the caller sees, to the end or to where it breaks. */
  const read = async (): Promise<{ reply: IncomingMessage; text: string; isWhole: boolean }> => {
    const [reply] = (await once(client, 'response')) as [IncomingMessage]
    let text = ''
    try {
      for await (const chunk of reply) text += String(chunk)
    } catch {
      return { reply, text, isWhole: false }
    }
    return { reply, text, isWhole: reply.complete }
  }
  const stream = { 'content-type': 'text/event-stream' }

  it('hands the reply on with its marks, and settles what became of it', async () => {
    await begin()
    provider.onHeaders(200, {
      'content-type': 'application/json',
      'content-length': '2',
      'x-request-id': 'req_1',
      'set-cookie': 'a=b',
    })
    expect(provider.onData(Buffer.from('{}'))).toBe(true)
    provider.onEnd()
    const { reply, text, isWhole } = await read()
    expect([reply.statusCode, text, isWhole, await exchanged]).toEqual([200, '{}', true, 'ended'])
    expect(reply.headers).toMatchObject({
      'x-hasp-receipt': receipt.receiptId,
      'x-hasp-target': 'main',
      'x-request-id': 'req_1',
    })
    expect(reply.headers['x-hasp-unwrap']).toBe(`${receipt.unwrap.unwrapId}; mode=strict; fresh`)
    expect(reply.headers['set-cookie']).toBeUndefined()
    expect(outcomes).toMatchObject([
      {
        receiptId: receipt.receiptId,
        end: 'completed',
        status: 200,
        requestBytes: 7,
        responseBytes: 2,
        upstreamRequestId: 'req_1',
      },
    ])
    expect([used, calls.count]).toEqual([[{ orgId: 'org', targetId: receipt.targetId }], 0])
  })

  it('names a target of another script by its id', async () => {
    await begin({ name: '日本語' })
    provider.onHeaders(200, { 'content-length': '0' })
    provider.onEnd()
    expect((await read()).reply.headers['x-hasp-target']).toBe(receipt.targetId)
  })

  it('tells the caller to come on another connection when the node stops', async () => {
    await begin()
    stopping.abort()
    provider.onHeaders(200, { 'content-length': '0' })
    provider.onEnd()
    expect((await read()).reply.headers['connection']).toBe('close')
  })

  it('takes a 401 for what it is: the credential’s, not the virtual key’s, and shows nothing of it', async () => {
    await begin()
    provider.onHeaders(401, { 'content-length': '50' })
    expect(await exchanged).toMatchObject({ code: 'credential_rejected' })
    expect([isAborted, response.headersSent]).toEqual([true, false])
    expect(rejected).toEqual([{ orgId: 'org', targetId: receipt.targetId, generation: 3 }])
    expect(outcomes).toMatchObject([{ end: 'refused', status: 401 }])
  })

  it.each([
    ['the KEK is revoked', () => call.cutOnRevocation('kek_revoked'), 'kek_revoked', 'cut-on-revocation'],
    ['the node stops', () => call.cutOnStop(), 'hasp_stopping', 'upstream-failed'],
  ])('is refused whole when %s before the reply begins', async (_, cut, code, end) => {
    await begin()
    cut()
    expect(await exchanged).toMatchObject({ code })
    expect([isAborted, response.headersSent, calls.count]).toEqual([true, false, 0])
    expect(outcomes).toMatchObject([{ end, status: null }])
    provider.onError(new UpstreamError('aborted'))
    expect(outcomes).toHaveLength(1)
  })

  it.each([
    ['virtual_key_revoked', 401],
    ['target_deleted', 404],
    ['kek_revoked', 403],
  ] as const)(
    'is refused unsent with %s, and its receipt says that nothing was sent',
    async (code, status) => {
      await begin()
      isCredentialSent = false
      call.cutOnRevocation(code)
      expect(await exchanged).toMatchObject({ code, status })
      expect(outcomes).toMatchObject([{ end: 'refused', status: null, requestBytes: 0, responseBytes: 0 }])
    },
  )

  it('is decided anew when what it was lent on changes before its credential has left', async () => {
    await begin()
    isCredentialSent = false
    call.decideAnew()
    expect(await exchanged).toBe('overtaken')
    expect([isAborted, response.headersSent, calls.count]).toEqual([true, false, 0])
    expect(outcomes).toMatchObject([{ end: 'refused', status: null, requestBytes: 0 }])
  })

  it('is decided anew, and not taken for tampered, when the last look before the socket finds its KEK gone', async () => {
    await begin()
    isCredentialSent = false
    isOvertaken = true
    provider.onError(new UpstreamError('credential-unavailable'))
    expect(await exchanged).toBe('overtaken')
    expect(outcomes).toMatchObject([{ end: 'refused', requestBytes: 0 }])
  })

  it('is taken for tampered when its credential does not open and nothing has changed', async () => {
    await begin()
    const error = new UpstreamError('credential-unavailable')
    provider.onError(error)
    expect(await exchanged).toBe(error)
  })

  it('holds on to its request until the socket is done with the body, though the reply is whole', async () => {
    await begin()
    isBodyLeaving = true
    provider.onHeaders(200, { 'content-length': '2' })
    provider.onData(Buffer.from('{}'))
    provider.onEnd()
    expect((await read()).text).toBe('{}')
    expect(await Promise.race([exchanged, Promise.resolve('holds')])).toBe('holds')
    onBodyLeft()
    expect(await exchanged).toBe('ended')
  })

  it('holds on to its request while the reply runs', async () => {
    await begin()
    provider.onHeaders(200, stream)
    provider.onData(Buffer.from('data: x\n\n'))
    await once(client, 'response')
    expect(await Promise.race([exchanged, Promise.resolve('holds')])).toBe('holds')
    provider.onEnd()
    expect(await exchanged).toBe('ended')
  })

  it('masks its credential in an error, wherever the pieces part, and keeps the length right', async () => {
    await begin()
    const credential = 'sk-proj-0123456789abcdefghijklmnop'
    mark.note(Buffer.from(credential), 0, credential.length)
    const text = JSON.stringify({ error: { message: `Bad key ${credential} given`, code: 'bad' } })
    provider.onHeaders(403, { 'content-type': 'application/json', 'x-request-id': `for-${credential}` })
    for (const character of text) expect(provider.onData(Buffer.from(character))).toBe(true)
    provider.onEnd()
    const { reply, text: seen, isWhole } = await read()
    const masked = '*'.repeat(credential.length)
    expect([reply.statusCode, isWhole]).toEqual([403, true])
    expect(seen).toBe(text.replace(credential, masked))
    expect(reply.headers).toMatchObject({
      'content-length': String(text.length),
      'x-request-id': `for-${masked}`,
    })
    expect(outcomes).toMatchObject([
      { end: 'completed', status: 403, responseBytes: text.length, upstreamRequestId: `for-${masked}` },
    ])
  })

  it('is refused, and not answered by half, when the provider breaks off within an error', async () => {
    await begin()
    provider.onHeaders(500, { 'content-type': 'application/json', 'content-length': '100' })
    provider.onData(Buffer.from('{"error":'))
    const error = new UpstreamError('reset')
    provider.onError(error)
    expect(await exchanged).toBe(error)
    expect(response.headersSent).toBe(false)
    expect(outcomes).toMatchObject([{ end: 'upstream-failed', status: 500 }])
  })

  it('reads no endless error', async () => {
    await begin()
    provider.onHeaders(500, { 'content-type': 'text/plain' })
    for (let pieces = 0; pieces < 100; pieces += 1) provider.onData(Buffer.alloc(8_192, 'x'))
    expect(isAborted).toBe(true)
    const { reply, text, isWhole } = await read()
    expect([reply.statusCode, text, isWhole]).toEqual([500, '', true])
  })

  it('tells the reader of a stream why it is cut, and breaks the connection before its end', async () => {
    await begin()
    provider.onHeaders(200, stream)
    provider.onData(Buffer.from('data: {"a":1}\n\n'))
    const reading = read()
    call.cutOnRevocation('kek_revoked')
    const { text, isWhole } = await reading
    expect(text).toContain('data: {"a":1}\n\n')
    expect(text).toContain('"code":"kek_revoked"')
    expect(isWhole).toBe(false)
    expect([isAborted, outcomes[0]?.end]).toEqual([true, 'cut-on-revocation'])
    expect(provider.onData(Buffer.from('data: late\n\n'))).toBe(true)
    provider.onEnd()
    expect(outcomes).toHaveLength(1)
  })

  it.each([['application/json'], ['text/plain']])(
    'only breaks the connection of a reply that is no stream of events: %s',
    async (type) => {
      await begin()
      provider.onHeaders(200, { 'content-type': type, 'content-length': '100' })
      provider.onData(Buffer.from('half'))
      const reading = read()
      await once(client, 'response')
      provider.onError(new UpstreamError('reset'))
      const { text, isWhole } = await reading
      expect([text, isWhole]).toEqual(['half', false])
      expect(outcomes).toMatchObject([{ end: 'upstream-failed', status: 200, responseBytes: 4 }])
    },
  )

  it('fails with the provider’s error while nothing has reached the caller', async () => {
    await begin()
    const error = new UpstreamError('connect-failed')
    provider.onError(error)
    expect(await exchanged).toBe(error)
    expect(outcomes).toMatchObject([{ end: 'upstream-failed', status: null }])
  })

  it('ends when its caller goes', async () => {
    await begin()
    provider.onHeaders(200, stream)
    provider.onData(Buffer.from('data: x\n\n'))
    client.destroy()
    await expect.poll(() => outcomes.length).toBe(1)
    expect([isAborted, outcomes[0]?.end, await exchanged]).toEqual([true, 'client-aborted', 'ended'])
  })

  it('reads from the provider no faster than the caller reads, and gives up on one that stopped', async () => {
    await begin({ idleTimeoutMs: 200 })
    provider.onHeaders(200, stream)
    const [reply] = (await once(client, 'response')) as [IncomingMessage]
    reply.pause()
    // As long as the system's own buffers take something, the caller counts as reading.
    let written = 0
    onResume = () => {
      while (provider.onData(Buffer.alloc(65_536, 'x')) && written < 10_000) written += 1
    }
    onResume()
    expect(written).toBeLessThan(10)
    await expect.poll(() => outcomes.length, { timeout: 3_000 }).toBe(1)
    expect([isAborted, outcomes[0]?.end]).toEqual([true, 'client-aborted'])
  })

  it('goes on when the caller has caught up', async () => {
    await begin()
    provider.onHeaders(200, stream)
    let written = 0
    while (provider.onData(Buffer.alloc(65_536, 'x')) && written < 1_000) written += 1
    const reading = read()
    await expect.poll(() => resumed).toBe(1)
    provider.onEnd()
    expect((await reading).text.length).toBe((written + 1) * 65_536)
  })

  it('is found by its KEK while it runs, and by whether it is to be cut', async () => {
    await begin({ streamRule: 'drain' })
    expect([calls.count, calls.kekIds(), call.isCutOnRevocation]).toEqual([1, [receipt.kekId], false])
    expect(calls.cutKek(receipt.kekId)).toBe(0)
    provider.onHeaders(200, { 'content-length': '0' })
    provider.onEnd()
    await read()
    expect(calls.count).toBe(0)
  })
})
