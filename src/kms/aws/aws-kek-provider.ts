import { DescribeKeyCommand, type KeyMetadata } from '@aws-sdk/client-kms'
import { contextFields } from '#envelope/aad.ts'
import type { EncryptionContext } from '#envelope/encryption-context.ts'
import type { SecretBytes } from '#envelope/secret-bytes.ts'
import { contextAs, DEK_BYTES, requireDek, requireWrappedBy } from '#kms/check-request.ts'
import type {
  KekCallOptions,
  KekDescription,
  KekProvider,
  Protection,
  UnwrapResult,
  WrappedDek,
  WrapResult,
} from '#kms/kek-provider.ts'
import type { AwsClients } from './aws-clients.ts'
import type { AwsCredentials, CredentialSource } from './aws-credentials.ts'
import { transportFault } from './aws-faults.ts'
import type { AwsOperation } from './aws-refusal.ts'
import { BytesKms } from './bytes-kms.ts'
import { callAws } from './call-aws.ts'
import { requireDescribed, requirePinned, requireServed } from './check-reply.ts'
import { credentialSourceOf } from './credential-source.ts'
import type { KmsTransport } from './kms-transport.ts'
import { type AwsKeyArn, parseAwsKeyArn } from './key-arn.ts'
import { KmsRequestSigner } from './request-signer.ts'
import { SdkKms } from './sdk-kms.ts'

const ALGORITHM = 'aws-symmetric-default'

/** How one customer's KMS key is reached. */
export type AwsKek = Readonly<{
  /** Id of our KEK record; its beginning names our sessions in the customer's trail. */
  kekId: string
  keyArn: string
  /** Role in the customer's account; null where the key policy names Hasp's own principal. */
  roleArn: string | null
  /** Made by Hasp for this KEK alone; the role's trust policy demands it. */
  externalId: string
}>

/**
 * A customer's KEK in AWS KMS. DEKs travel over a {@link KmsTransport}, everything else over the SDK. Has no retry,
 * breaker or queue of its own: wrap it in a `GuardedKekProvider`.
 */
export class AwsKekProvider implements KekProvider {
  readonly kekRef: string
  readonly #kmsKey: AwsKeyArn
  readonly #clients: AwsClients
  readonly #credentials: CredentialSource
  readonly #transport: KmsTransport

  /** @throws {KekFault} `misconfigured` for an ARN that is not exactly one key, or a role of another account. */
  constructor(kek: AwsKek, clients: AwsClients) {
    this.#kmsKey = parseAwsKeyArn(kek.keyArn)
    this.kekRef = this.#kmsKey.arn
    this.#clients = clients
    this.#credentials = credentialSourceOf(kek, this.#kmsKey, clients)
    this.#transport = transportOf(this.#kmsKey, clients)
  }

  async wrap(
    dek: SecretBytes,
    context: EncryptionContext,
    options: KekCallOptions = {},
  ): Promise<WrapResult> {
    requireDek(dek)
    const request = {
      keyArn: this.kekRef,
      plaintext: dek,
      encryptionContext: contextAs(contextFields, context),
    }
    const startedAtMs = performance.now()
    const reply = await this.#call('Encrypt', (credentials) => {
      return this.#transport.encrypt(request, credentials, options.signal)
    })
    requirePinned(this.kekRef, reply.keyId, reply.requestId)
    return {
      wrappedDek: { algorithm: ALGORITHM, kekRef: this.kekRef, bytes: reply.ciphertext },
      kmsRequestId: reply.requestId,
      // Encrypt's reply does not name the material; Decrypt's does.
      materialId: '',
      durationMs: performance.now() - startedAtMs,
    }
  }

  async unwrap(
    wrapped: WrappedDek,
    context: EncryptionContext,
    options: KekCallOptions = {},
  ): Promise<UnwrapResult> {
    requireWrappedBy({ kekRef: this.kekRef, algorithm: ALGORITHM }, wrapped)
    const request = {
      keyArn: this.kekRef,
      ciphertext: wrapped.bytes,
      encryptionContext: contextAs(contextFields, context),
    }
    const startedAtMs = performance.now()
    const reply = await this.#call('Decrypt', (credentials) => {
      return this.#transport.decrypt(request, credentials, options.signal)
    })
    requireServed(this.kekRef, DEK_BYTES, reply)
    return {
      dek: reply.plaintext,
      kmsRequestId: reply.requestId,
      materialId: reply.keyMaterialId,
      durationMs: performance.now() - startedAtMs,
    }
  }

  async describe(options: KekCallOptions = {}): Promise<KekDescription> {
    const startedAtMs = performance.now()
    const reply = await this.#call('DescribeKey', (credentials) => this.#describeKey(credentials, options))
    const kmsRequestId = requestIdOf(reply)
    const kmsKey = requireDescribed(this.kekRef, reply.KeyMetadata, kmsRequestId)
    return {
      kekRef: this.kekRef,
      isEnabled: kmsKey.KeyState === 'Enabled',
      cloudState: kmsKey.KeyState ?? 'Unknown',
      protection: protectionOf(kmsKey),
      kmsRequestId,
      materialId: kmsKey.CurrentKeyMaterialId ?? '',
      durationMs: performance.now() - startedAtMs,
    }
  }

  #call<Result>(
    operation: AwsOperation,
    call: (credentials: AwsCredentials) => Promise<Result>,
  ): Promise<Result> {
    return callAws(this.#credentials, operation, call, async (credentials) => {
      return (await this.#describeKey(credentials, {})).KeyMetadata?.KeyState
    })
  }

  #describeKey(credentials: AwsCredentials, options: KekCallOptions) {
    return this.#kms(credentials).send(new DescribeKeyCommand({ KeyId: this.kekRef }), abortBy(options))
  }

  #kms(credentials: AwsCredentials) {
    return this.#clients.kmsClientFor(this.#kmsKey, credentials)
  }
}

function transportOf(kmsKey: AwsKeyArn, clients: AwsClients): KmsTransport {
  if (clients.dekTransport === 'sdk') {
    return new SdkKms((credentials) => clients.kmsClientFor(kmsKey, credentials))
  }
  return new BytesKms({
    dispatcher: clients.poolFor(kmsKey),
    signer: new KmsRequestSigner(kmsKey.region, new URL(clients.kmsEndpoint(kmsKey)).host),
    timeoutMs: clients.callTimeoutMs,
    now: clients.now,
  })
}

function abortBy({ signal }: KekCallOptions) {
  return signal === undefined ? {} : { abortSignal: signal }
}

/** A call without a request id cannot be matched with the customer's trail: it does not count as answered. */
function requestIdOf(reply: { $metadata: { requestId?: string | undefined } }): string {
  const { requestId } = reply.$metadata
  if (requestId === undefined) throw transportFault('malformed-reply')
  return requestId
}

function protectionOf(kmsKey: KeyMetadata): Protection {
  return kmsKey.Origin === 'EXTERNAL_KEY_STORE' ? 'external' : 'hsm'
}
