import type { EncryptionContext } from '#envelope/encryption-context.ts'
import type { WrapAlgorithm } from '#envelope/format-v1.ts'
import type { SecretBytes } from '#envelope/secret-bytes.ts'

/** What every KMS call leaves behind, so that a receipt can name it and the customer can find it. */
export type KmsCall = Readonly<{
  /** Request id that the customer's own log carries for this call. */
  kmsRequestId: string
  /** The service's own id of the call, where `kmsRequestId` is one that we gave it (Azure `x-ms-request-id`). */
  serviceRequestId?: string | undefined
  /** Which key material served (AWS `KeyMaterialId`, a key version elsewhere); empty where the KMS has none. */
  materialId: string
  durationMs: number
}>

/** A DEK as it is stored: wrapped, with the name of the KEK that wrapped it. */
export type WrappedDek = Readonly<{
  algorithm: WrapAlgorithm
  /** The pinned name of the KEK: full key ARN, versioned key id, key file id. */
  kekRef: string
  bytes: Buffer
  /** The material that wrapped it, for a KMS that names it to whoever wraps and not to whoever unwraps (Google). */
  materialId?: string | undefined
}>

export type WrapResult = KmsCall & Readonly<{ wrappedDek: WrappedDek }>

/** The caller owns `dek` and disposes of it. */
export type UnwrapResult = KmsCall & Readonly<{ dek: SecretBytes }>

/** Where a KMS keeps a key. `external`: behind it, in the customer's own key manager. */
export type Protection = 'software' | 'hsm' | 'external' | 'file'

/** What the KMS itself says of the KEK. */
export type KekDescription = KmsCall &
  Readonly<{
    kekRef: string
    /** Whether the KMS would serve wrap and unwrap now. */
    isEnabled: boolean
    /** The cloud's own word for the state (`Enabled`, `PendingDeletion`, …). */
    cloudState: string
    protection: Protection
  }>

/** What a caller may say about one call. */
export type KekCallOptions = Readonly<{
  /** Aborts the call: it then fails with `unreachable`, code `aborted`. */
  signal?: AbortSignal | undefined
  /** Our own name for the call (the unwrap's id), for a KMS that writes it into the customer's log (Google). */
  requestReason?: string | undefined
}>

/**
 * One customer KEK in one KMS. Every method fails only with a `KekFault`, within its own time limit.
 * Implementations check that the KMS's reply names the pinned KEK before they trust it.
 */
export interface KekProvider {
  readonly kekRef: string
  /** Wraps a 32-byte DEK, bound to `context`. Does not dispose of `dek`. */
  wrap(dek: SecretBytes, context: EncryptionContext, options?: KekCallOptions): Promise<WrapResult>
  /** Unwraps a DEK that {@link wrap} made under the same context. */
  unwrap(wrapped: WrappedDek, context: EncryptionContext, options?: KekCallOptions): Promise<UnwrapResult>
  describe(options?: KekCallOptions): Promise<KekDescription>
}
