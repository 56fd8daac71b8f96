import type { SecretBytes } from '#envelope/secret-bytes.ts'
import type { AwsCredentials } from './aws-credentials.ts'

type Context = Readonly<Record<string, string>>

export type EncryptRequest = Readonly<{ keyArn: string; plaintext: SecretBytes; encryptionContext: Context }>
export type DecryptRequest = Readonly<{ keyArn: string; ciphertext: Buffer; encryptionContext: Context }>

/** What KMS answered, unchecked but for its form. */
export type EncryptReply = Readonly<{ ciphertext: Buffer; keyId: string; requestId: string }>

/** The same; the receiver owns `plaintext` and disposes of it. */
export type DecryptReply = Readonly<{
  plaintext: SecretBytes
  keyId: string
  keyMaterialId: string
  encryptionAlgorithm: string
  requestId: string
}>

/**
 * One way to send a DEK to KMS and back.
 * @throws {AwsRefusal} from both, when AWS answers with an error, {KekFault} `unreachable` when it gives no readable answer.
 */
export interface KmsTransport {
  encrypt(
    request: EncryptRequest,
    credentials: AwsCredentials,
    signal: AbortSignal | undefined,
  ): Promise<EncryptReply>
  decrypt(
    request: DecryptRequest,
    credentials: AwsCredentials,
    signal: AbortSignal | undefined,
  ): Promise<DecryptReply>
}
