import { SecretBytes } from '#envelope/secret-bytes.ts'
import { KekFault } from '#kms/kek-fault.ts'
import type { Protection } from '#kms/kek-provider.ts'
import { crc32c } from './crc32c.ts'
import { crcFault, malformedReply } from './gcp-faults.ts'
import { versionOf } from './key-name.ts'

type Reply = Readonly<Record<string, unknown>>

/** What Encrypt answered with, once everything in it has been checked. */
export type Encrypted = Readonly<{ ciphertext: Buffer; version: string; protection: Protection }>

/**
 * Checks an answer of Encrypt: given by a version of the pinned key, on what was sent, and undamaged.
 * @throws {KekFault} `tampered` for another key; `unreachable` (`crc-mismatch`, `malformed-reply`) otherwise
 */
export function requireEncrypted(keyName: string, reply: Reply, kmsRequestId: string): Encrypted {
  const { name, ciphertext } = reply
  const version = typeof name === 'string' ? versionOf(keyName, name) : undefined
  if (version === undefined) {
    throw new KekFault(
      'tampered',
      'WrongKeyInReply',
      'The answer names another KMS key than the one asked.',
      {
        kmsRequestId,
      },
    )
  }
  if (!Buffer.isBuffer(ciphertext) || ciphertext.length === 0) throw malformedReply(kmsRequestId)
  const isSentWhole =
    reply['verifiedPlaintextCrc32c'] === true && reply['verifiedAdditionalAuthenticatedDataCrc32c'] === true
  if (!isSentWhole || checksumIn(reply['ciphertextCrc32c']) !== crc32c(ciphertext))
    throw crcFault(kmsRequestId)
  return { ciphertext: Buffer.from(ciphertext), version, protection: protectionIn(reply) }
}

/**
 * Takes the DEK out of an answer of Decrypt: checked against its checksum, 32 bytes, the SDK's copy wiped. Whoever
 * gets it owns it.
 * @throws {KekFault} `tampered` for another length; `unreachable` (`crc-mismatch`, `malformed-reply`) otherwise
 */
export function requireDecrypted(dekBytes: number, reply: Reply, kmsRequestId: string): SecretBytes {
  const { plaintext } = reply
  if (!Buffer.isBuffer(plaintext)) throw malformedReply(kmsRequestId)
  const isWhole = checksumIn(reply['plaintextCrc32c']) === crc32c(plaintext)
  const dek = SecretBytes.take(plaintext)
  if (isWhole && dek.length === dekBytes) return dek
  const { length } = dek
  dek[Symbol.dispose]()
  if (!isWhole) throw crcFault(kmsRequestId)
  throw new KekFault(
    'tampered',
    'WrongPlaintextLength',
    `What the KMS unwrapped is not a DEK of ours (${length} bytes).`,
    {
      kmsRequestId,
    },
  )
}

/** google.protobuf.Int64Value, whose number the SDK gives as text. */
function checksumIn(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null || !('value' in value)) return undefined
  const { value: number } = value
  return typeof number === 'string' || typeof number === 'number' ? Number(number) : undefined
}

const PROTECTIONS: Readonly<Record<string, Protection>> = {
  HSM: 'hsm',
  HSM_SINGLE_TENANT: 'hsm',
  EXTERNAL: 'external',
  EXTERNAL_VPC: 'external',
}

/** A level that Google adds, or leaves out, is not taken for an HSM: somebody may demand one. */
function protectionIn({ protectionLevel }: Reply): Protection {
  return (typeof protectionLevel === 'string' ? PROTECTIONS[protectionLevel] : undefined) ?? 'software'
}
