import { randomBytes } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import { inspect } from 'node:util'
import { type Dispatcher, Pool } from 'undici'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { SecretBytes } from '#envelope/secret-bytes.ts'
import { AwsRefusal } from '#kms/aws/aws-refusal.ts'
import { BytesKms } from '#kms/aws/bytes-kms.ts'
import { KmsRequestSigner } from '#kms/aws/request-signer.ts'

const KEY_ARN = 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'
const CREDENTIALS = { accessKeyId: 'ASIATESTTESTTEST', secretAccessKey: 'top-secret-access-key' }
const CONTEXT = { 'hasp:org': 'o', 'hasp:"quoted"': 'ü' }
const blob = randomBytes(180)
const GOOD = JSON.stringify({
  CiphertextBlob: blob.toString('base64'),
  KeyId: KEY_ARN,
  EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
})

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/** A KMS that gives each request to the test, which answers with whatever bytes it likes; keeps each body sent. */
async function kmsThat(serve: (socket: Socket, request: string) => void, timeoutMs = 2_000) {
  const server = createServer((socket) => {
    let request = ''
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      request += chunk.toString('utf8')
      if (request.endsWith('"}')) serve(socket, request)
    })
  })
  servers.push(server)
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const pool = new Pool(`http://127.0.0.1:${port}`, { allowH2: false, connectTimeout: 500 })
  onTestFinished(() => pool.destroy())
  const bodies: Buffer[] = []
  const dispatcher = pool.compose((dispatch) => (options, handler) => {
    // The body that BytesKms hands over is a Buffer of its own.
    bodies.push(options.body as Buffer)
    return dispatch(options, handler)
  })
  return { bodies, transport: over(dispatcher, port, timeoutMs) }
}

function over(dispatcher: Dispatcher, port: number | undefined, timeoutMs: number): BytesKms {
  const signer = new KmsRequestSigner('eu-west-1', `127.0.0.1:${port}`)
  return new BytesKms({ dispatcher, signer, timeoutMs, now: Date.now })
}

function http(status: number, body: string): string {
  return `HTTP/1.1 ${status} X\r\nx-amzn-requestid: req-7\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

function encrypt(transport: BytesKms, dek: Buffer, signal?: AbortSignal) {
  const plaintext = SecretBytes.take(Buffer.from(dek))
  return transport.encrypt({ keyArn: KEY_ARN, plaintext, encryptionContext: CONTEXT }, CREDENTIALS, signal)
}

describe('wrapping over bytes', () => {
  it('sends the DEK as the JSON member that KMS expects, and gives back what KMS made of it', async () => {
    const dek = randomBytes(32)
    let sent = ''
    const { transport } = await kmsThat((socket, request) => {
      sent = request
      socket.end(http(200, GOOD))
    })
    expect(await encrypt(transport, dek)).toEqual({ ciphertext: blob, keyId: KEY_ARN, requestId: 'req-7' })
    const [head = '', body = ''] = sent.split('\r\n\r\n')
    expect(head).toContain('x-amz-target: TrentService.Encrypt')
    expect(JSON.parse(body)).toEqual({
      EncryptionContext: CONTEXT,
      KeyId: KEY_ARN,
      Plaintext: dek.toString('base64'),
    })
  })

  const ends: [string, (socket: Socket) => void, AbortSignal?][] = [
    ['it was served', (socket) => socket.end(http(200, GOOD))],
    ['KMS refused', (socket) => socket.end(http(400, '{"__type":"DisabledException"}'))],
    ['the connection broke', (socket) => socket.destroy()],
    ['KMS fell silent', () => undefined],
    ['the reply was not readable', (socket) => socket.end(http(200, '<html>'))],
    ['the caller gave up', () => undefined, AbortSignal.timeout(50)],
    ['the caller had given up before', () => undefined, AbortSignal.abort()],
  ]
  it.each(ends)(
    'leaves no DEK in any buffer when %s, nor ever makes a string of it',
    async (_, serve, signal) => {
      const dek = randomBytes(32)
      const base64 = dek.toString('base64')
      const alloc = vi.spyOn(Buffer, 'alloc')
      const toText = vi.spyOn(Buffer.prototype, 'toString')
      onTestFinished(() => void vi.restoreAllMocks())
      const { bodies, transport } = await kmsThat(serve, 150)
      const taken = SecretBytes.take(Buffer.from(dek))
      const request = { keyArn: KEY_ARN, plaintext: taken, encryptionContext: CONTEXT }
      await transport.encrypt(request, CREDENTIALS, signal).catch(() => undefined)
      taken[Symbol.dispose]()
      const made = alloc.mock.results.flatMap(({ value }) => (Buffer.isBuffer(value) ? [value] : []))
      const texts = toText.mock.results.filter(
        ({ value }) => typeof value === 'string' && value.includes(base64),
      )
      vi.restoreAllMocks()
      expect(made.length).toBeGreaterThan(1)
      for (const buffer of [...made, ...bodies]) {
        expect(buffer.includes(base64.slice(0, 16))).toBe(false)
        expect(buffer.includes(dek.subarray(0, 16))).toBe(false)
      }
      for (const body of bodies) expect(body.every((byte) => byte === 0)).toBe(true)
      // The test's own server reads what arrives; nobody else may.
      expect(texts.length).toBeLessThanOrEqual(1)
    },
  )

  it.each([
    ['no ciphertext', JSON.stringify({ KeyId: KEY_ARN })],
    ['ciphertext that is no base64', JSON.stringify({ KeyId: KEY_ARN, CiphertextBlob: '***' })],
    ['empty ciphertext', JSON.stringify({ KeyId: KEY_ARN, CiphertextBlob: '' })],
    ['ciphertext that is no text', JSON.stringify({ KeyId: KEY_ARN, CiphertextBlob: [1] })],
    ['HTML', '<html>captive portal</html>'],
    ['nothing', ''],
  ])('answers unreachable to %s', async (_, body) => {
    const { transport } = await kmsThat((socket) => socket.end(http(200, body)))
    const fault = await encrypt(transport, randomBytes(32)).catch((error: unknown) => error)
    expect(fault).toMatchObject({ kind: 'unreachable', code: 'malformed-reply', kmsRequestId: 'req-7' })
    expect(inspect(fault, { depth: 9, showHidden: true })).not.toMatch(/top-secret|ASIATEST|captive/)
  })

  it('passes a refusal on as AWS named it', async () => {
    const { transport } = await kmsThat((socket) =>
      socket.end(http(400, '{"__type":"com.amazonaws.kms#DisabledException","message":"off"}')),
    )
    const refusal = await encrypt(transport, randomBytes(32)).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(AwsRefusal)
    expect(refusal).toMatchObject({ code: 'DisabledException', message: 'off', requestId: 'req-7' })
  })
})
