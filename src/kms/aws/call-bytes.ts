import { hash } from 'node:crypto'
import type { Dispatcher } from 'undici'
import { type BytesReply, exchangeBytes, type ExchangeFailure } from '#kms/exchange-bytes.ts'
import type { KekFault } from '#kms/kek-fault.ts'
import { retryAfterMsOf } from '#kms/retry-after.ts'
import type { AwsCredentials } from './aws-credentials.ts'
import { transportFault } from './aws-faults.ts'
import { AwsRefusal } from './aws-refusal.ts'
import type { KmsRequestSigner } from './request-signer.ts'

const REPLY_BYTES_MAX = 16 * 1024

export type BytesCallDeps = Readonly<{
  dispatcher: Dispatcher
  signer: KmsRequestSigner
  timeoutMs: number
  now: () => number
}>

/** The body of a request, and its SHA-256 in lower-case hex. */
export type SignedBody = Readonly<{ bytes: Buffer; digest: string }>

export function signedBody(bytes: Buffer): SignedBody {
  return { bytes, digest: hash('sha256', bytes, 'hex') }
}

/**
 * One signed call to KMS, bytes out and bytes back. Both bodies are the caller's to wipe.
 * @param target such as `TrentService.Decrypt`.
 * @throws {AwsRefusal} when AWS answers with an error, {KekFault} `unreachable` when it gives no readable answer.
 */
export async function callBytes(
  { dispatcher, signer, timeoutMs, now }: BytesCallDeps,
  target: string,
  body: SignedBody,
  credentials: AwsCredentials,
  signal: AbortSignal | undefined,
): Promise<{ requestId: string; body: Buffer }> {
  const headers = signer.sign(target, body.digest, credentials, new Date(now()))
  const request = { method: 'POST', path: '/', headers, body: body.bytes } as const
  const limits = { timeoutMs, replyBytesMax: REPLY_BYTES_MAX, signal, faultOf }
  const reply = await exchangeBytes(dispatcher, request, limits)
  const header = reply.headers['x-amzn-requestid']
  const requestId = typeof header === 'string' && header.length <= 128 ? header : undefined
  if (reply.status === 200 && requestId !== undefined) return { requestId, body: reply.body }
  try {
    throw reply.status === 200 ? transportFault('malformed-reply') : readRefusal(reply, requestId)
  } finally {
    reply.body.fill(0)
  }
}

function faultOf(failure: ExchangeFailure): KekFault {
  return transportFault(failure === 'host-not-found' ? 'connection-failed' : failure)
}

/** The error's name is in the body's `__type` or in a header, either with a namespace before or a URL after it. */
function readRefusal({ status, headers, body }: BytesReply, requestId: string | undefined): Error {
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

/** A reply's members; undefined for what is no JSON object. */
export function parseObject(text: string): Record<string, unknown> | undefined {
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

/** A member that should be text; empty when it is not. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
