import { createHash, timingSafeEqual } from 'node:crypto'
import { canonicalAad } from '#envelope/aad.ts'
import type { EncryptionContext } from '#envelope/encryption-context.ts'
import { SecretBytes } from '#envelope/secret-bytes.ts'
import { contextAs, DEK_BYTES, requireDek } from '#kms/check-request.ts'
import { KekFault } from '#kms/kek-fault.ts'

const DIGEST_BYTES = 32

/** The call that unwrapped it. */
type UnwrapCall = Readonly<{ kmsRequestId: string; serviceRequestId: string | undefined }>

/**
 * Neither RSA-OAEP nor AES key wrap takes a context, so it travels with the DEK: `DEK ‖ SHA-256(canonical AAD)`.
 * Both wraps are non-malleable: who changes one half changes, or loses, the other. The caller disposes of it.
 *
 * @throws {KekFault} `ours`
 */
export function bindDek(dek: SecretBytes, context: EncryptionContext): SecretBytes {
  requireDek(dek)
  const digest = digestOf(context)
  const bound = SecretBytes.alloc(DEK_BYTES + DIGEST_BYTES)
  dek.unsafeBytes().copy(bound.unsafeBytes())
  digest.copy(bound.unsafeBytes(), DEK_BYTES)
  return bound
}

/**
 * The DEK out of what {@link bindDek} made; disposes of `bound`.
 * @throws {KekFault} `tampered` when it is another's, or was wrapped under another context.
 */
export function releaseDek(bound: SecretBytes, context: EncryptionContext, call: UnwrapCall): SecretBytes {
  using unwrapped = bound
  if (unwrapped.length !== DEK_BYTES + DIGEST_BYTES) {
    throw tampered('WrongPlaintextLength', call)
  }
  const bytes = unwrapped.unsafeBytes()
  if (!timingSafeEqual(bytes.subarray(DEK_BYTES), digestOf(context))) {
    throw tampered('WrongContext', call)
  }
  const dek = SecretBytes.alloc(DEK_BYTES)
  bytes.copy(dek.unsafeBytes(), 0, 0, DEK_BYTES)
  return dek
}

function digestOf(context: EncryptionContext): Buffer {
  return createHash('sha256').update(contextAs(canonicalAad, context)).digest()
}

function tampered(code: string, { kmsRequestId, serviceRequestId }: UnwrapCall): KekFault {
  return new KekFault('tampered', code, 'What was unwrapped is not a DEK of ours under this context.', {
    kmsRequestId,
    serviceRequestId,
  })
}
