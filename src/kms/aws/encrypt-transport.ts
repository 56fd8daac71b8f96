import type { SecretBytes } from '#envelope/secret-bytes.ts'
import type { AwsCredentials } from './aws-credentials.ts'

export type EncryptRequest = Readonly<{
  keyArn: string
  plaintext: SecretBytes
  encryptionContext: Readonly<Record<string, string>>
}>

/** What KMS answered, unchecked but for its form. */
export type EncryptReply = Readonly<{
  ciphertext: Buffer
  keyId: string
  requestId: string
}>

/** One way to send `kms:Encrypt`. */
export interface EncryptTransport {
  /** @throws {AwsRefusal} when AWS answers with an error, {KekFault} `unreachable` when it gives no readable answer. */
  encrypt(
    request: EncryptRequest,
    credentials: AwsCredentials,
    signal: AbortSignal | undefined,
  ): Promise<EncryptReply>
}
