import { createHash, randomUUID } from 'node:crypto'
import { basename } from 'node:path'
import { canonicalAad } from '#envelope/aad.ts'
import type { EncryptionContext } from '#envelope/encryption-context.ts'
import type { SecretBytes } from '#envelope/secret-bytes.ts'
import { contextAs, requireDek, requireWrappedBy } from './check-request.ts'
import { KekFault } from './kek-fault.ts'
import type {
  KekDescription,
  KekProvider,
  KmsCall,
  UnwrapResult,
  WrappedDek,
  WrapResult,
} from './kek-provider.ts'
import { localKekPath, readLocalKek } from './local-kek-file.ts'
import { unwrapLocally, wrapLocally } from './local-wrap.ts'

const ALGORITHM = 'local-aes-256-gcm'

/**
 * A KEK in a file on this machine, for development and single-machine trials. **It is not customer-held**: whoever
 * runs Hasp can read it, so it proves nothing to a customer, has no audit log of its own, and a copy of the file
 * outlives its removal. Configuration refuses it in production unless it is allowed by name.
 *
 * The file is read again for every call, so that removing it revokes at once.
 */
export class LocalKekProvider implements KekProvider {
  readonly kekRef: string
  readonly #path: string

  /** @throws {KekFault} `misconfigured` when `id` is not a local KEK id. */
  constructor(directory: string, id: string) {
    this.#path = localKekPath(directory, id)
    this.kekRef = `local:${basename(this.#path, '.kek')}`
  }

  async wrap(dek: SecretBytes, context: EncryptionContext): Promise<WrapResult> {
    requireDek(dek)
    const aad = this.#wrapAad(context)
    return this.#call((material) => ({
      wrappedDek: { algorithm: ALGORITHM, kekRef: this.kekRef, bytes: wrapLocally(material, dek, aad) },
    }))
  }

  async unwrap(wrapped: WrappedDek, context: EncryptionContext): Promise<UnwrapResult> {
    requireWrappedBy({ kekRef: this.kekRef, algorithm: ALGORITHM }, wrapped)
    const aad = this.#wrapAad(context)
    return this.#call((material) => ({ dek: unwrapLocally(material, wrapped.bytes, aad) }))
  }

  async describe(): Promise<KekDescription> {
    const common = { kekRef: this.kekRef, protection: 'file' } as const
    const startedAtMs = performance.now()
    try {
      return await this.#call(() => ({ ...common, isEnabled: true, cloudState: 'Present' }))
    } catch (error) {
      if (!(error instanceof KekFault) || error.kind !== 'revoked') throw error
      return { ...common, isEnabled: false, cloudState: 'Removed', ...callRecord('', startedAtMs) }
    }
  }

  /** Reads the KEK, uses it, wipes it, and adds what every KMS call leaves behind. */
  async #call<Result>(useMaterial: (material: SecretBytes) => Result): Promise<Result & KmsCall> {
    const startedAtMs = performance.now()
    using material = await readLocalKek(this.#path)
    return { ...useMaterial(material), ...callRecord(materialIdOf(material), startedAtMs) }
  }

  /** Binds the wrap to the KEK's name too, so that two names for one material are two KEKs. */
  #wrapAad(context: EncryptionContext): Buffer {
    return Buffer.concat([
      Buffer.from(`hasp/local-wrap/v1\0${this.kekRef}\0`, 'ascii'),
      contextAs(canonicalAad, context),
    ])
  }
}

function callRecord(materialId: string, startedAtMs: number): KmsCall {
  return { kmsRequestId: randomUUID(), materialId, durationMs: performance.now() - startedAtMs }
}

/** A fingerprint of 64 bits: names the material without helping anybody to find 256 random bits. */
function materialIdOf(material: SecretBytes): string {
  return createHash('sha256').update(material.unsafeBytes()).digest('hex').slice(0, 16)
}
