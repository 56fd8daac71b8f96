import type { EncryptionContext } from '#envelope/encryption-context.ts'
import { EnvelopeError } from '#envelope/envelope-error.ts'
import type { SecretBytes } from '#envelope/secret-bytes.ts'
import { KekFault } from './kek-fault.ts'
import type { WrappedDek } from './kek-provider.ts'

export const DEK_BYTES = 32

/** @throws {KekFault} `ours` for what is not as long as a DEK */
export function requireDek(dek: SecretBytes): void {
  if (dek.length !== DEK_BYTES) throw new KekFault('ours', 'InvalidDek', `A DEK must be ${DEK_BYTES} bytes.`)
}

/** The context in the form that a KMS is given it. @throws {KekFault} `ours` where it is not a valid one */
export function contextAs<Form>(
  write: (context: EncryptionContext) => Form,
  context: EncryptionContext,
): Form {
  try {
    return write(context)
  } catch (error) {
    if (error instanceof EnvelopeError) throw new KekFault('ours', 'InvalidContext', error.message)
    throw error
  }
}

/** @throws {KekFault} `misconfigured` for what another KEK wrapped, or this one by another algorithm */
export function requireWrappedBy(
  { kekRef, algorithm }: Pick<WrappedDek, 'kekRef' | 'algorithm'>,
  wrapped: WrappedDek,
): void {
  if (wrapped.algorithm !== algorithm || wrapped.kekRef !== kekRef) throw wrappedByAnother()
}

export function wrappedByAnother(): KekFault {
  return new KekFault('misconfigured', 'IncorrectKek', 'This DEK was wrapped by another KEK.')
}
