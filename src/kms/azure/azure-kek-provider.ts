import type { EncryptionContext } from '#envelope/encryption-context.ts'
import type { SecretBytes } from '#envelope/secret-bytes.ts'
import { wrappedByAnother } from '#kms/check-request.ts'
import { KekFault } from '#kms/kek-fault.ts'
import type {
  KekCallOptions,
  KekDescription,
  KekProvider,
  UnwrapResult,
  WrappedDek,
  WrapResult,
} from '#kms/kek-provider.ts'
import type { AzureClients } from './azure-clients.ts'
import type { VaultOperation } from './azure-refusal.ts'
import { bindDek, releaseDek } from './bound-dek.ts'
import { callVault } from './call-vault.ts'
import { type AzureKeyId, parseAzureKeyId, parseTenantId } from './key-id.ts'
import { transportFault } from './transport-faults.ts'
import type { GetKeyReply, VaultCall, VaultReply, VaultTransport } from './vault-transport.ts'

/** How one customer's key in Azure is reached. */
export type AzureKek = Readonly<{
  /** The identifier of the version that wraps: `https://{vault}.vault.azure.net/keys/{name}/{version}`. */
  keyId: string
  /** The tenant that the vault trusts, in which our application was consented to. */
  tenantId: string
}>

/**
 * A customer's KEK in Azure Key Vault (RSA-OAEP-256) or Managed HSM (AES key wrap). The pinned version wraps; what
 * an earlier version of the same key wrapped still unwraps, by that version. Has no retry, breaker or queue of its
 * own: wrap it in a `GuardedKekProvider`.
 */
export class AzureKekProvider implements KekProvider {
  readonly kekRef: string
  readonly #keyId: AzureKeyId
  readonly #tenantId: string
  readonly #clients: AzureClients

  /** @throws {KekFault} `misconfigured` for an identifier that is not exactly one version of a key in this cloud. */
  constructor(kek: AzureKek, clients: AzureClients) {
    this.#keyId = parseAzureKeyId(kek.keyId, clients.cloud)
    this.#tenantId = parseTenantId(kek.tenantId)
    this.kekRef = this.#keyId.id
    this.#clients = clients
  }

  async wrap(
    dek: SecretBytes,
    context: EncryptionContext,
    options: KekCallOptions = {},
  ): Promise<WrapResult> {
    using bound = bindDek(dek, context)
    const keyId = this.#keyId
    const { reply, ...call } = await this.#call(keyId, 'wrapKey', options, (transport, call) =>
      transport.wrapKey(call, bound),
    )
    return {
      wrappedDek: { algorithm: keyId.store.wrapAlgorithm, kekRef: keyId.id, bytes: reply.wrapped },
      materialId: keyId.version,
      ...call,
    }
  }

  async unwrap(
    wrapped: WrappedDek,
    context: EncryptionContext,
    options: KekCallOptions = {},
  ): Promise<UnwrapResult> {
    const keyId = this.#requireVersionOf(wrapped)
    const { reply, ...call } = await this.#call(keyId, 'unwrapKey', options, (transport, call) =>
      transport.unwrapKey(call, wrapped.bytes),
    )
    return {
      dek: releaseDek(reply.secret, context, call),
      materialId: keyId.version,
      ...call,
    }
  }

  /**
   * What the vault says of the pinned version. An enabled version may yet be denied to us, and one that expired
   * still unwraps: only an unwrap proves that the KEK serves.
   */
  async describe(options: KekCallOptions = {}): Promise<KekDescription> {
    const keyId = this.#keyId
    const { reply, ...call } = await this.#call(keyId, 'getKey', options, (transport, call) =>
      transport.getKey(call),
    )
    requireWrappingKey(keyId, reply, call.kmsRequestId)
    return {
      kekRef: keyId.id,
      isEnabled: reply.isEnabled,
      cloudState: stateOf(reply, Date.now()),
      protection: reply.keyType === 'RSA' ? 'software' : 'hsm',
      materialId: keyId.version,
      ...call,
    }
  }

  /** @throws {KekFault} `tampered` when the answer names another key: nothing in it is to be trusted. */
  async #call<Reply extends VaultReply>(
    keyId: AzureKeyId,
    operation: VaultOperation,
    options: KekCallOptions,
    run: (transport: VaultTransport, call: VaultCall) => Promise<Reply>,
  ) {
    const target = { keyId, tenantId: this.#tenantId, options }
    const answered = await callVault(this.#clients, target, operation, run)
    if (answered.reply.keyId.toLowerCase() === keyId.id) return answered
    disposeOf(answered.reply)
    throw new KekFault('tampered', 'WrongKeyInReply', 'The answer names another key than the one asked.', {
      kmsRequestId: answered.kmsRequestId,
      serviceRequestId: answered.serviceRequestId,
    })
  }

  /** The version that wrapped it, which must be one of our key's: its name in the envelope decides nothing else. */
  #requireVersionOf({ kekRef, algorithm }: WrappedDek): AzureKeyId {
    const { host, name, store, cloud, id } = this.#keyId
    if (kekRef === id && algorithm === store.wrapAlgorithm) return this.#keyId
    const keyId = kekRef.startsWith('https://') ? parseAzureKeyId(kekRef, cloud) : undefined
    const isOurs = keyId?.id === kekRef && keyId.host === host && keyId.name === name
    if (isOurs && algorithm === store.wrapAlgorithm) return keyId
    throw wrappedByAnother()
  }
}

function disposeOf(reply: VaultReply | (VaultReply & { secret: SecretBytes })): void {
  if ('secret' in reply) reply.secret[Symbol.dispose]()
}

/** @throws {KekFault} `misconfigured` for a key that is not of the kind that we wrap with. */
function requireWrappingKey({ store }: AzureKeyId, reply: GetKeyReply, kmsRequestId: string): void {
  if (reply.keyType === '') throw transportFault('malformed-reply', kmsRequestId)
  if (!store.keyTypes.some((keyType) => keyType === reply.keyType)) {
    throw new KekFault(
      'misconfigured',
      'WrongKeyType',
      `The key must be of type ${store.keyTypes.join(' or ')}: it wraps by ${store.alg}.`,
      { kmsRequestId },
    )
  }
  const missing = ['wrapKey', 'unwrapKey'].filter((name) => !reply.permittedOperations.includes(name))
  if (missing.length === 0) return
  throw new KekFault(
    'misconfigured',
    'KeyOperationForbidden',
    `The key’s permitted operations leave out ${missing.join(' and ')}: permit it.`,
    { kmsRequestId },
  )
}

function stateOf({ isEnabled, notBeforeMs, expiresAtMs }: GetKeyReply, nowMs: number): string {
  if (!isEnabled) return 'Disabled'
  if (expiresAtMs !== undefined && nowMs >= expiresAtMs) return 'Expired'
  return notBeforeMs !== undefined && nowMs < notBeforeMs ? 'NotYetValid' : 'Enabled'
}
