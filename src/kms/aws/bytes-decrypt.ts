import type { Dispatcher } from 'undici'
import { AwsRefusal, retryAfterMsOf } from './aws-refusal.ts'
import { transportFault } from './aws-faults.ts'
import type { AwsCredentials } from './aws-credentials.ts'
import type { DecryptReply, DecryptRequest, DecryptTransport } from './decrypt-transport.ts'
import { takePlaintext } from './plaintext-bytes.ts'
import { type BytesReply, postBytes } from './post-bytes.ts'
import type { KmsRequestSigner } from './request-signer.ts'

const REPLY_BYTES_MAX = 16 * 1024

type Deps = Readonly<{
  dispatcher: Dispatcher
  signer: KmsRequestSigner
  timeoutMs: number
  now: () => number
}>

/**
 * `kms:Decrypt` for the hot path: signed bytes out, bytes back, and the DEK goes from the reply's buffer straight
 * into a {@link SecretBytes}. It never becomes a string, and the reply is wiped.
 */
export class BytesDecrypt implements DecryptTransport {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  async decrypt(
    request: DecryptRequest,
    credentials: AwsCredentials,
    signal: AbortSignal | undefined,
  ): Promise<DecryptReply> {
    const { dispatcher, signer, timeoutMs, now } = this.#deps
    const body = Buffer.from(
      JSON.stringify({
        CiphertextBlob: request.ciphertext.toString('base64'),
        EncryptionContext: request.encryptionContext,
        KeyId: request.keyArn,
      }),
    )
    const headers = await signer.sign('TrentService.Decrypt', body, credentials, new Date(now()))
    const limits = { timeoutMs, replyBytesMax: REPLY_BYTES_MAX, signal }
    const reply = await postBytes(dispatcher, { headers, body }, limits)
    try {
      return readReply(reply)
    } finally {
      reply.body.fill(0)
    }
  }
}

function readReply({ status, headers, body }: BytesReply): DecryptReply {
  const header = headers['x-amzn-requestid']
  const requestId = typeof header === 'string' && header.length <= 128 ? header : undefined
  if (status !== 200) throw readRefusal(status, headers, body, requestId)
  const taken = requestId === undefined ? undefined : takePlaintext(body)
  if (requestId === undefined || taken === undefined) throw transportFault('malformed-reply', requestId)
  const rest = parseObject(taken.rest)
  if (rest?.['Plaintext'] !== '') {
    taken.plaintext[Symbol.dispose]()
    throw transportFault('malformed-reply', requestId)
  }
  return {
    plaintext: taken.plaintext,
    keyId: textOf(rest['KeyId']),
    keyMaterialId: textOf(rest['KeyMaterialId']),
    encryptionAlgorithm: textOf(rest['EncryptionAlgorithm']),
    requestId,
  }
}

/** The error's name is in the body's `__type` or in a header, either with a namespace before or a URL after it. */
function readRefusal(
  status: number,
  headers: BytesReply['headers'],
  body: Buffer,
  requestId: string | undefined,
): Error {
  if (status < 400) return transportFault('malformed-reply', requestId)
  const error = parseObject(body.toString('utf8')) ?? {}
  const type = textOf(error['__type']) || textOf(headers['x-amzn-errortype'])
  const code = /^(?:.*#)?(\w{1,64})(?::|$)/.exec(type)?.[1] ?? `HTTP ${status}`
  const message = textOf(error['message']) || textOf(error['Message'])
  return new AwsRefusal(code, message, status, {
    requestId,
    retryAfterMs: retryAfterMsOf(headers['retry-after']),
  })
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
