import { randomBytes } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import { inspect } from 'node:util'
import { type Dispatcher, Pool } from 'undici'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { AwsRefusal } from '#kms/aws/aws-refusal.ts'
import { BytesKms } from '#kms/aws/bytes-kms.ts'
import { KmsRequestSigner } from '#kms/aws/request-signer.ts'
import { KekFault } from '#kms/kek-fault.ts'

const KEY_ARN = 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'
const CREDENTIALS = {
  accessKeyId: 'ASIATESTTESTTEST',
  secretAccessKey: 'top-secret-access-key',
  sessionToken: 'top-secret-token',
}
const REQUEST = { keyArn: KEY_ARN, ciphertext: randomBytes(180), encryptionContext: { 'hasp:org': 'o' } }
const dek = randomBytes(32)
const GOOD = {
  Plaintext: dek.toString('base64'),
  KeyId: KEY_ARN,
  KeyMaterialId: 'material-1',
  EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
}

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/** A KMS that answers each connection with whatever bytes the test says, beyond what any HTTP library would send. */
async function kmsThat(serve: (socket: Socket) => void, timeoutMs = 2_000) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => serve(socket))
  })
  servers.push(server)
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const pool = new Pool(`http://127.0.0.1:${port}`, { allowH2: false, connectTimeout: 500 })
  onTestFinished(() => pool.destroy())
  const over = (dispatcher: Dispatcher) =>
    new BytesKms({
      dispatcher,
      signer: new KmsRequestSigner('eu-west-1', `127.0.0.1:${port}`),
      timeoutMs,
      now: Date.now,
    })
  return { pool, over, transport: over(pool) }
}

function http(
  status: number,
  body: string,
  headers = `content-length: ${Buffer.byteLength(body)}\r\n`,
): string {
  return `HTTP/1.1 ${status} X\r\nx-amzn-requestid: req-7\r\n${headers}\r\n${body}`
}

const chunked = (...chunks: string[]) =>
  chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')

async function faultOf(transport: BytesKms, signal?: AbortSignal): Promise<unknown> {
  return transport.decrypt(REQUEST, CREDENTIALS, signal).then(
    () => 'it served',
    (error: unknown) => error,
  )
}

describe('unwrapping over bytes', () => {
  it('serves the DEK with what KMS said about it', async () => {
    const { transport } = await kmsThat((socket) => socket.end(http(200, JSON.stringify(GOOD))))
    const reply = await transport.decrypt(REQUEST, CREDENTIALS, undefined)
    using plaintext = reply.plaintext
    expect(plaintext.unsafeBytes()).toEqual(dek)
    expect(reply).toMatchObject({
      keyId: KEY_ARN,
      keyMaterialId: 'material-1',
      encryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      requestId: 'req-7',
    })
  })

  it('leaves the base64 of the DEK neither in the socket’s buffers nor in its own', async () => {
    const { pool, over } = await kmsThat((socket) => socket.end(http(200, JSON.stringify(GOOD))))
    const buffers: Buffer[] = []
    const spied = pool.compose((dispatch) => (options, handler) => {
      const onResponseData = handler.onResponseData?.bind(handler)
      handler.onResponseData = (controller, chunk) => {
        buffers.push(chunk)
        onResponseData?.(controller, chunk)
      }
      return dispatch(options, handler)
    })
    const alloc = vi.spyOn(Buffer, 'alloc')
    onTestFinished(() => alloc.mockRestore())
    const reply = await over(spied).decrypt(REQUEST, CREDENTIALS, undefined)
    using plaintext = reply.plaintext
    expect(plaintext.unsafeBytes()).toEqual(dek)
    for (const { value } of alloc.mock.results) if (Buffer.isBuffer(value)) buffers.push(value)
    expect(buffers.length).toBeGreaterThan(2)
    expect(buffers.filter((buffer) => buffer.includes(GOOD.Plaintext.slice(0, 16)))).toEqual([])
  })

  it('serves a reply that comes in chunks of one byte, after an interim reply', async () => {
    const body = JSON.stringify(GOOD)
    const { transport } = await kmsThat((socket) => {
      socket.setNoDelay(true)
      socket.write('HTTP/1.1 103 Early Hints\r\n\r\n')
      socket.end(http(200, `${chunked(...body.split(''))}0\r\n\r\n`, 'transfer-encoding: chunked\r\n'))
    })
    const { plaintext } = await transport.decrypt(REQUEST, CREDENTIALS, undefined)
    expect(plaintext.unsafeBytes()).toEqual(dek)
    plaintext[Symbol.dispose]()
  })

  it.each([
    ['no HTTP at all', 'SSH-2.0-OpenSSH\r\n', 'connection-failed'],
    ['half a head', 'HTTP/1.1 200 OK\r\nconte', 'connection-failed'],
    [
      'half a body',
      http(200, JSON.stringify(GOOD).slice(0, 40), 'content-length: 400\r\n'),
      'connection-failed',
    ],
    ['two lengths', http(200, '{}', 'content-length: 2\r\ncontent-length: 3\r\n'), 'connection-failed'],
    ['no body', http(200, ''), 'malformed-reply'],
    ['HTML', http(200, '<html>captive portal</html>'), 'malformed-reply'],
    ['truncated JSON', http(200, JSON.stringify(GOOD).slice(0, -1)), 'malformed-reply'],
    ['no plaintext', http(200, JSON.stringify({ KeyId: KEY_ARN })), 'malformed-reply'],
    ['a JSON array', http(200, `[{"Plaintext":"${GOOD.Plaintext}"}]`), 'malformed-reply'],
    ['the plaintext one level down', http(200, `{"a":{"Plaintext":"${GOOD.Plaintext}"}}`), 'malformed-reply'],
    [
      'a redirect',
      http(302, '', 'location: http://169.254.169.254/\r\ncontent-length: 0\r\n'),
      'malformed-reply',
    ],
    ['no request id', `HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}`, 'malformed-reply'],
    ['a length beyond any reply', http(200, '', 'content-length: 16385\r\n'), 'reply-too-large'],
    [
      'a body beyond any reply',
      http(200, chunked('x'.repeat(17_000)), 'transfer-encoding: chunked\r\n'),
      'reply-too-large',
    ],
  ])('answers unreachable to %s', async (_, bytes, code) => {
    const { transport } = await kmsThat((socket) => socket.end(bytes))
    const fault = await faultOf(transport)
    expect(fault).toBeInstanceOf(KekFault)
    expect(fault).toMatchObject({ kind: 'unreachable', code })
    expect(inspect(fault, { depth: 9, showHidden: true })).not.toMatch(/top-secret|ASIATEST|captive/)
    expect(inspect(fault, { depth: 9 })).not.toContain(GOOD.Plaintext)
  })

  it('answers unreachable when the connection is reset', async () => {
    const { transport } = await kmsThat((socket) => socket.resetAndDestroy())
    expect(await faultOf(transport)).toMatchObject({ kind: 'unreachable', code: 'connection-failed' })
  })

  it.each([
    ['before the head', ''],
    ['within the body', http(200, '{"Plain', 'content-length: 200\r\n')],
  ])('gives up in time when KMS falls silent %s', async (_, bytes) => {
    const { transport } = await kmsThat((socket) => socket.write(bytes), 150)
    const startedAtMs = performance.now()
    expect(await faultOf(transport)).toMatchObject({ kind: 'unreachable', code: 'timeout' })
    expect(performance.now() - startedAtMs).toBeLessThan(1_000)
  })

  it('gives up when its caller does, even before it began', async () => {
    const { transport } = await kmsThat(() => undefined)
    expect(await faultOf(transport, AbortSignal.abort())).toMatchObject({
      kind: 'unreachable',
      code: 'aborted',
    })
    expect(await faultOf(transport, AbortSignal.timeout(50))).toMatchObject({
      kind: 'unreachable',
      code: 'aborted',
    })
  })

  it.each([
    [
      'the body',
      http(400, '{"__type":"com.amazonaws.kms#DisabledException","message":"off"}'),
      'DisabledException',
      'off',
    ],
    [
      'the body, bare',
      http(400, '{"__type":"ThrottlingException","Message":"slow"}'),
      'ThrottlingException',
      'slow',
    ],
    [
      'a header',
      http(403, '{}', 'x-amzn-errortype: AccessDeniedException:http://internal/\r\ncontent-length: 2\r\n'),
      'AccessDeniedException',
      '',
    ],
    ['nowhere', http(503, 'Service Unavailable'), 'HTTP 503', ''],
    ['a place too odd to repeat', http(400, '{"__type":"<b>x</b>"}'), 'HTTP 400', ''],
  ])('reads the name of an error from %s', async (_, bytes, code, message) => {
    const { transport } = await kmsThat((socket) => socket.end(bytes))
    const refusal = await faultOf(transport)
    expect(refusal).toBeInstanceOf(AwsRefusal)
    expect(refusal).toMatchObject({ code, message, requestId: 'req-7' })
  })

  it('passes on how long KMS asks to wait', async () => {
    const { transport } = await kmsThat((socket) =>
      socket.end(http(429, '', 'retry-after: 3\r\ncontent-length: 0\r\n')),
    )
    expect(await faultOf(transport)).toMatchObject({ retryAfterMs: 3_000 })
  })
})
