import { randomUUID } from 'node:crypto'
import { canonicalAad } from '#envelope/aad.ts'
import type { EncryptionContext } from '#envelope/encryption-context.ts'
import { generateDek } from '#envelope/record-key.ts'
import type { SecretBytes } from '#envelope/secret-bytes.ts'
import { contextAs, DEK_BYTES, requireDek, requireWrappedBy } from '#kms/check-request.ts'
import type {
  KekCallOptions,
  KekDescription,
  KekProvider,
  UnwrapResult,
  WrappedDek,
  WrapResult,
} from '#kms/kek-provider.ts'
import type { TokenSource } from './access-token.ts'
import { callGcp, type GcpRequest } from './call-gcp.ts'
import { type Encrypted, requireDecrypted, requireEncrypted } from './check-reply.ts'
import { crc32c } from './crc32c.ts'
import type { GcpClients, GcpFederation } from './gcp-clients.ts'
import type { GcpOperation } from './gcp-refusal.ts'
import { type GcpKeyName, parseGcpKeyName } from './key-name.ts'

const ALGORITHM = 'gcp-symmetric'
/** What {@link GcpKekProvider.describe} encrypts under: no encryption context has these bytes. */
const DESCRIBE_AAD = Buffer.from('hasp/describe/v1', 'ascii')

/** How one customer's CryptoKey is reached. */
export type GcpKek = Readonly<{
  keyName: string
  /** Null where the key is granted to Hasp's own service account. */
  federation: GcpFederation | null
}>

/**
 * A customer's KEK in Google Cloud KMS, over gRPC. Needs the right to encrypt and decrypt with the key and no other.
 * Has no retry, breaker or queue of its own: wrap it in a `GuardedKekProvider`.
 */
export class GcpKekProvider implements KekProvider {
  readonly kekRef: string
  readonly #keyName: GcpKeyName
  readonly #clients: GcpClients
  readonly #tokens: TokenSource

  /** @throws {KekFault} `misconfigured` for a name that is not exactly one key's, or no identity provider's. */
  constructor(kek: GcpKek, clients: GcpClients) {
    this.#keyName = parseGcpKeyName(kek.keyName)
    this.kekRef = this.#keyName.name
    this.#clients = clients
    this.#tokens = kek.federation === null ? clients.ownToken : clients.federatedToken(kek.federation)
  }

  async wrap(
    dek: SecretBytes,
    context: EncryptionContext,
    options: KekCallOptions = {},
  ): Promise<WrapResult> {
    requireDek(dek)
    const startedAtMs = performance.now()
    const aad = contextAs(canonicalAad, context)
    const { ciphertext, kmsRequestId, version } = await this.#encrypt(dek, aad, options)
    return {
      wrappedDek: { algorithm: ALGORITHM, kekRef: this.kekRef, bytes: ciphertext, materialId: version },
      kmsRequestId,
      materialId: version,
      durationMs: performance.now() - startedAtMs,
    }
  }

  async unwrap(
    wrapped: WrappedDek,
    context: EncryptionContext,
    options: KekCallOptions = {},
  ): Promise<UnwrapResult> {
    requireWrappedBy({ kekRef: this.kekRef, algorithm: ALGORITHM }, wrapped)
    const startedAtMs = performance.now()
    const aad = contextAs(canonicalAad, context)
    const { dek, kmsRequestId } = await this.#decrypt(wrapped.bytes, aad, options)
    return {
      dek,
      kmsRequestId,
      // Decrypt does not say which version served. It can be no other than the one that encrypted.
      materialId: wrapped.materialId ?? '',
      durationMs: performance.now() - startedAtMs,
    }
  }

  /**
   * Wraps and unwraps noise. Reading the key (GetCryptoKey) would take a right that Hasp has no use for otherwise, and
   * would say less: a key whose state is ENABLED may still refuse us, or its external manager may.
   */
  async describe(options: KekCallOptions = {}): Promise<KekDescription> {
    const startedAtMs = performance.now()
    const requestReason = options.requestReason ?? randomUUID()
    const called = { ...options, requestReason }
    using noise = generateDek()
    const { ciphertext, protection, version } = await this.#encrypt(noise, DESCRIBE_AAD, called)
    const { dek } = await this.#decrypt(ciphertext, DESCRIBE_AAD, called)
    dek[Symbol.dispose]()
    return {
      kekRef: this.kekRef,
      isEnabled: true,
      cloudState: 'ENABLED',
      protection,
      kmsRequestId: requestReason,
      materialId: version,
      durationMs: performance.now() - startedAtMs,
    }
  }

  async #encrypt(
    secret: SecretBytes,
    aad: Buffer,
    options: KekCallOptions,
  ): Promise<Encrypted & { kmsRequestId: string }> {
    const plaintext = secret.unsafeBytes()
    const request = {
      name: this.kekRef,
      plaintext,
      plaintextCrc32c: { value: crc32c(plaintext) },
      additionalAuthenticatedData: aad,
      additionalAuthenticatedDataCrc32c: { value: crc32c(aad) },
    }
    const { kmsRequestId, reply } = await this.#call('Encrypt', request, options)
    return { ...requireEncrypted(this.kekRef, reply, kmsRequestId), kmsRequestId }
  }

  async #decrypt(
    ciphertext: Buffer,
    aad: Buffer,
    options: KekCallOptions,
  ): Promise<{ dek: SecretBytes; kmsRequestId: string }> {
    const request = {
      name: this.kekRef,
      ciphertext,
      ciphertextCrc32c: { value: crc32c(ciphertext) },
      additionalAuthenticatedData: aad,
      additionalAuthenticatedDataCrc32c: { value: crc32c(aad) },
    }
    const { kmsRequestId, reply } = await this.#call('Decrypt', request, options)
    return { dek: requireDecrypted(DEK_BYTES, reply, kmsRequestId), kmsRequestId }
  }

  /** Google names no request to its caller: the reason that we give is the name that its log has too. */
  async #call(operation: GcpOperation, request: GcpRequest, options: KekCallOptions) {
    const requestReason = options.requestReason ?? randomUUID()
    const reply = await callGcp(
      {
        channel: () => this.#clients.channelTo(this.#keyName),
        tokens: this.#tokens,
        timeoutMs: this.#clients.callTimeoutMs,
      },
      operation,
      request,
      { requestReason, signal: options.signal },
    )
    return { kmsRequestId: requestReason, reply }
  }
}
