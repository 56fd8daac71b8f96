import { CryptographyClient, type CryptographyClientOptions, KeyClient } from '@azure/keyvault-keys'
import type { Dispatcher } from 'undici'
import { SecretBytes } from '#envelope/secret-bytes.ts'
import { KekFault } from '#kms/kek-fault.ts'
import { parseObject } from './json.ts'
import type { AzureKeyId } from './key-id.ts'
import { readKeyBundle, readKeyOperation, readRefusal, readWrapped } from './read-reply.ts'
import { SdkHttpClient } from './sdk-http-client.ts'
import type { VaultToken } from './token-session.ts'
import { transportFault } from './transport-faults.ts'
import type { GetKeyReply, UnwrapReply, VaultCall, VaultTransport, WrapReply } from './vault-transport.ts'

type Answer = { status: number; headers: Record<string, string>; bodyAsText: string }
type CallOptions = NonNullable<Parameters<CryptographyClient['wrapKey']>[2]>

/**
 * The official SDK: correct, and the measure of {@link BytesVault}, but it makes strings of the DEK's base64url,
 * and strings cannot be wiped. Its first request in a client is one without a token, which Azure answers by 401.
 *
 * Given an identifier alone, `CryptographyClient` reads the key first and then wraps by itself where it can, and
 * refuses expired keys though the service would unwrap. So it is given a key without material, operations or
 * dates: then there is nothing to check and nothing to wrap with, and every operation is the service's.
 */
export class SdkVault implements VaultTransport {
  readonly #options: CryptographyClientOptions
  readonly #clients = new WeakMap<VaultToken, Map<string, CryptographyClient>>()

  constructor(dispatcher: Dispatcher, { timeoutMs }: { timeoutMs: number }) {
    this.#options = {
      httpClient: new SdkHttpClient(dispatcher, { timeoutMs }),
      retryOptions: { maxRetries: 0 },
      redirectOptions: { handleRedirects: false },
      disableChallengeResourceVerification: false,
    }
  }

  async wrapKey(call: VaultCall, secret: SecretBytes): Promise<WrapReply> {
    const client = this.#clientFor(call)
    const { bodyAsText, headers } = await send(call, (options) =>
      client.wrapKey(call.keyId.store.alg, secret.unsafeBytes(), options),
    )
    return readWrapped(bodyAsText, headers)
  }

  async unwrapKey(call: VaultCall, wrapped: Buffer): Promise<UnwrapReply> {
    const client = this.#clientFor(call)
    let result: Uint8Array | undefined
    const { bodyAsText, headers } = await send(call, async (options) => {
      ;({ result } = await client.unwrapKey(call.keyId.store.alg, wrapped, options))
    })
    if (result === undefined || result.length === 0) throw transportFault('malformed-reply')
    const secret = SecretBytes.take(result)
    try {
      return { ...readKeyOperation(parseObject(bodyAsText), headers), secret }
    } catch (error) {
      secret[Symbol.dispose]()
      throw error
    }
  }

  async getKey(call: VaultCall): Promise<GetKeyReply> {
    const { name, version, host } = call.keyId
    const client = new KeyClient(`https://${host}`, credentialOf(call.token), this.#options)
    const { bodyAsText, headers } = await send(call, (options) =>
      client.getKey(name, { ...options, version }),
    )
    return readKeyBundle(bodyAsText, headers)
  }

  /** A new token gets a new client, so that no stale one is remembered. */
  #clientFor({ keyId, token }: VaultCall): CryptographyClient {
    const known = this.#clients.get(token) ?? new Map<string, CryptographyClient>()
    const client =
      known.get(keyId.id) ?? new CryptographyClient(keyOf(keyId), credentialOf(token), { ...this.#options })
    this.#clients.set(token, known.set(keyId.id, client))
    return client
  }
}

function keyOf({ id, name, host, version }: AzureKeyId) {
  return { id, name, properties: { id, name, version, vaultUrl: `https://${host}` } }
}

/** Our token, whatever tenant and resource a challenge names. */
function credentialOf({ token, expiresAtMs }: VaultToken) {
  return { getToken: async () => ({ token, expiresOnTimestamp: expiresAtMs }) }
}

/** Runs one operation of the SDK's, and returns what the service answered rather than what the SDK made of it. */
async function send(
  { clientRequestId, signal }: VaultCall,
  operation: (options: CallOptions) => Promise<unknown>,
): Promise<Answer> {
  let answer: Answer | undefined
  try {
    await operation({
      ...(signal === undefined ? {} : { abortSignal: signal }),
      requestOptions: { headers: { 'x-ms-client-request-id': clientRequestId } },
      onResponse: ({ status, headers, bodyAsText }) => {
        answer = { status, headers: headers.toJSON(), bodyAsText: bodyAsText ?? '' }
      },
    })
  } catch (error) {
    if (error instanceof KekFault) throw error
    if (signal?.aborted === true) throw transportFault('aborted', clientRequestId)
    // Nothing of the SDK's error is kept: it carries the request, its headers and the raw reply.
    if (answer === undefined || answer.status === 200)
      throw transportFault('malformed-reply', clientRequestId)
    throw readRefusal(answer.status, answer.headers, answer.bodyAsText)
  }
  if (answer === undefined) throw transportFault('malformed-reply', clientRequestId)
  return answer
}
