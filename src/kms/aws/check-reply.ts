import type { KeyMetadata } from '@aws-sdk/client-kms'
import { KekFault } from '#kms/kek-fault.ts'
import { transportFault } from './aws-faults.ts'
import type { DecryptReply } from './kms-transport.ts'

/** @throws {KekFault} `tampered` when an answer was not given by the pinned key: nothing in it is to be trusted. */
export function requirePinned(keyArn: string, answeredBy: string | undefined, kmsRequestId: string): void {
  if (answeredBy === keyArn) return
  throw new KekFault('tampered', 'WrongKeyInReply', 'The answer names another KMS key than the one asked.', {
    kmsRequestId,
  })
}

/**
 * Checks what KMS decrypted before it is used as a DEK, and disposes of it when it is not one.
 * @throws {KekFault} `tampered`
 */
export function requireServed(keyArn: string, dekBytes: number, reply: DecryptReply): void {
  try {
    requirePinned(keyArn, reply.keyId, reply.requestId)
    if (reply.encryptionAlgorithm !== 'SYMMETRIC_DEFAULT')
      throw notOurs('WrongAlgorithmInReply', reply.requestId)
    if (reply.plaintext.length !== dekBytes) throw notOurs('WrongPlaintextLength', reply.requestId)
  } catch (error) {
    reply.plaintext[Symbol.dispose]()
    throw error
  }
}

/** @throws {KekFault} `misconfigured` for a key that cannot wrap; `tampered` when another key was described. */
export function requireDescribed(
  keyArn: string,
  kmsKey: KeyMetadata | undefined,
  kmsRequestId: string,
): KeyMetadata {
  if (kmsKey === undefined) throw transportFault('malformed-reply', kmsRequestId)
  requirePinned(keyArn, kmsKey.Arn, kmsRequestId)
  if (kmsKey.KeySpec === 'SYMMETRIC_DEFAULT' && kmsKey.KeyUsage === 'ENCRYPT_DECRYPT') return kmsKey
  throw new KekFault(
    'misconfigured',
    'InvalidKeyUsage',
    'The KMS key must be symmetric, for encryption and decryption.',
    { kmsRequestId },
  )
}

function notOurs(code: string, kmsRequestId: string): KekFault {
  return new KekFault('tampered', code, 'What the KMS unwrapped is not a DEK of ours.', { kmsRequestId })
}
