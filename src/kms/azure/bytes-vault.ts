import type { Dispatcher } from 'undici'
import type { SecretBytes } from '#envelope/secret-bytes.ts'
import { type BytesReply, exchangeBytes } from '#kms/exchange-bytes.ts'
import { takeSecretMember } from '#kms/secret-member.ts'
import { parseObject } from './json.ts'
import { readKeyBundle, readKeyOperation, readRefusal, readWrapped } from './read-reply.ts'
import { secretRequest } from './secret-request.ts'
import { transportFault } from './transport-faults.ts'
import type { GetKeyReply, UnwrapReply, VaultCall, VaultTransport, WrapReply } from './vault-transport.ts'

/** Known to every cloud and to Managed HSM; nothing newer is needed. */
const API_VERSION = '7.4'
const REPLY_BYTES_MAX = 16 * 1024

/**
 * The hot path: bytes out, bytes back. A DEK goes from its {@link SecretBytes} into the request's buffer and from
 * the reply's buffer into another; it never becomes a string, and both buffers are wiped. The token goes along at
 * once, so that no unauthorised request precedes the real one.
 */
export class BytesVault implements VaultTransport {
  readonly #dispatcher: Dispatcher
  readonly #timeoutMs: number

  constructor(dispatcher: Dispatcher, { timeoutMs }: { timeoutMs: number }) {
    this.#dispatcher = dispatcher
    this.#timeoutMs = timeoutMs
  }

  async wrapKey(call: VaultCall, secret: SecretBytes): Promise<WrapReply> {
    const body = secretRequest(call.keyId.store.alg, secret)
    try {
      const reply = await this.#send(call, 'POST', '/wrapkey', body)
      return readWrapped(reply.body.toString('utf8'), reply.headers)
    } finally {
      body.fill(0)
    }
  }

  async unwrapKey(call: VaultCall, wrapped: Buffer): Promise<UnwrapReply> {
    const body = Buffer.from(
      JSON.stringify({ alg: call.keyId.store.alg, value: wrapped.toString('base64url') }),
    )
    const reply = await this.#send(call, 'POST', '/unwrapkey', body)
    try {
      return readUnwrapped(reply)
    } finally {
      reply.body.fill(0)
    }
  }

  async getKey(call: VaultCall): Promise<GetKeyReply> {
    const reply = await this.#send(call, 'GET', '', null)
    return readKeyBundle(reply.body.toString('utf8'), reply.headers)
  }

  /** The reply, if it is a good one. */
  async #send(
    { keyId, token, clientRequestId, signal }: VaultCall,
    method: 'GET' | 'POST',
    operation: string,
    body: Buffer | null,
  ): Promise<BytesReply> {
    const reply = await exchangeBytes(
      this.#dispatcher,
      {
        origin: `https://${keyId.host}`,
        path: `/keys/${keyId.name}/${keyId.version}${operation}?api-version=${API_VERSION}`,
        method,
        headers: {
          accept: 'application/json',
          authorization: `Bearer ${token.token}`,
          'user-agent': 'hasp',
          'x-ms-client-request-id': clientRequestId,
          'x-ms-return-client-request-id': 'true',
          ...(body === null ? {} : { 'content-type': 'application/json' }),
        },
        body,
      },
      {
        timeoutMs: this.#timeoutMs,
        replyBytesMax: REPLY_BYTES_MAX,
        signal,
        faultOf: (failure) => transportFault(failure, clientRequestId),
      },
    )
    if (reply.status === 200) return reply
    throw readRefusal(reply.status, reply.headers, reply.body.toString('utf8'))
  }
}

function readUnwrapped({ body, headers }: BytesReply): UnwrapReply {
  const taken = takeSecretMember(body, 'value', 'base64url')
  if (taken === undefined) throw transportFault('malformed-reply')
  try {
    const rest = parseObject(taken.rest)
    if (rest?.['value'] !== '') throw transportFault('malformed-reply')
    return { ...readKeyOperation(rest, headers), secret: taken.secret }
  } catch (error) {
    taken.secret[Symbol.dispose]()
    throw error
  }
}
