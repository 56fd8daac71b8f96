import type { SecretBytes } from '#envelope/secret-bytes.ts'
import type { AwsCredentials } from './aws-credentials.ts'

export type DecryptRequest = Readonly<{
  keyArn: string
  ciphertext: Buffer
  encryptionContext: Readonly<Record<string, string>>
}>

/** What KMS answered, unchecked but for its form. The receiver owns `plaintext` and disposes of it. */
export type DecryptReply = Readonly<{
  plaintext: SecretBytes
  keyId: string
  keyMaterialId: string
  encryptionAlgorithm: string
  requestId: string
}>

/** One way to send `kms:Decrypt`. */
export interface DecryptTransport {
  /** @throws {AwsRefusal} when AWS answers with an error, {KekFault} `unreachable` when it gives no readable answer. */
  decrypt(
    request: DecryptRequest,
    credentials: AwsCredentials,
    signal: AbortSignal | undefined,
  ): Promise<DecryptReply>
}
