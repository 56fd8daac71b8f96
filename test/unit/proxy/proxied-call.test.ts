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
  let resumed: number
  let onResume: () => void
  let outcomes: ReceiptOutcome[]
  let rejected: unknown[]
  let used: unknown[]
  let calls: CallsInFlight
  let stopping: AbortController
  let receipt: Receipt
  let call: ProxiedCall
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
          return { abort: () => (isAborted = true), resume: () => onResume() }
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
    })
    exchanged = call.exchange({} as UpstreamRequest).then(
      () => 'resolved',
      (error: unknown) => error,
    )
  }
  beforeEach(() => {
    isAborted = false
    resumed = 0
    onResume = () => (resumed += 1)
    outcomes = []
    rejected = []
    used = []
    calls = new CallsInFlight(10)
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
  const stream = ['content-type', 'text/event-stream']

  it('hands the reply on with its marks, and settles what became of it', async () => {
    await begin()
    provider.onHeaders(200, [
      'content-type',
      'application/json',
      'content-length',
      '2',
      'x-request-id',
      'req_1',
      'set-cookie',
      'a=b',
    ])
    expect(provider.onData(Buffer.from('{}'))).toBe(true)
    provider.onEnd([])
    const { reply, text, isWhole } = await read()
    expect([reply.statusCode, text, isWhole, await exchanged]).toEqual([200, '{}', true, 'resolved'])
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
    provider.onHeaders(200, ['content-length', '0'])
    provider.onEnd([])
    expect((await read()).reply.headers['x-hasp-target']).toBe(receipt.targetId)
  })

  it('tells the caller to come on another connection when the node stops', async () => {
    await begin()
    stopping.abort()
    provider.onHeaders(200, ['content-length', '0'])
    provider.onEnd([])
    expect((await read()).reply.headers['connection']).toBe('close')
  })

  it('takes a 401 for what it is: the credential’s, not the virtual key’s, and shows nothing of it', async () => {
    await begin()
    provider.onHeaders(401, ['content-length', '50'])
    expect(await exchanged).toMatchObject({ code: 'credential_rejected' })
    expect([isAborted, response.headersSent]).toEqual([true, false])
    expect(rejected).toEqual([{ orgId: 'org', targetId: receipt.targetId, generation: 3 }])
    expect(outcomes).toMatchObject([{ end: 'refused', status: 401 }])
  })

  it.each([
    ['the KEK is revoked', () => call.cutOnRevocation(), 'kek_revoked', 'cut-on-revocation'],
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

  it('tells the reader of a stream why it is cut, and breaks the connection before its end', async () => {
    await begin()
    provider.onHeaders(200, stream)
    provider.onData(Buffer.from('data: {"a":1}\n\n'))
    const reading = read()
    call.cutOnRevocation()
    const { text, isWhole } = await reading
    expect(text).toContain('data: {"a":1}\n\n')
    expect(text).toContain('"code":"kek_revoked"')
    expect(isWhole).toBe(false)
    expect([isAborted, outcomes[0]?.end]).toEqual([true, 'cut-on-revocation'])
    expect(provider.onData(Buffer.from('data: late\n\n'))).toBe(true)
    provider.onEnd([])
    expect(outcomes).toHaveLength(1)
  })

  it.each([['application/json'], ['text/plain']])(
    'only breaks the connection of a reply that is no stream of events: %s',
    async (type) => {
      await begin()
      provider.onHeaders(200, ['content-type', type, 'content-length', '100'])
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
    expect([isAborted, outcomes[0]?.end, await exchanged]).toEqual([true, 'client-aborted', 'resolved'])
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
    provider.onEnd([])
    expect((await reading).text.length).toBe((written + 1) * 65_536)
  })

  it('is found by its KEK while it runs, and by whether it is to be cut', async () => {
    await begin({ streamRule: 'drain' })
    expect([calls.count, calls.kekIds(), call.isCutOnRevocation]).toEqual([1, [receipt.kekId], false])
    expect(calls.cutKek(receipt.kekId)).toBe(0)
    provider.onHeaders(200, ['content-length', '0'])
    provider.onEnd([])
    await read()
    expect(calls.count).toBe(0)
  })
})
