import { DecryptCommand, type KMSClient } from '@aws-sdk/client-kms'
import { SecretBytes } from '#envelope/secret-bytes.ts'
import type { AwsCredentials } from './aws-credentials.ts'
import { transportFault } from './aws-faults.ts'
import type { DecryptReply, DecryptRequest, DecryptTransport } from './decrypt-transport.ts'
import { fromSdkError } from './sdk-errors.ts'

/**
 * `kms:Decrypt` through the official SDK, which makes a string of the DEK's base64 on its way: correct, and the
 * measure of {@link BytesDecrypt}, but strings cannot be wiped.
 */
export class SdkDecrypt implements DecryptTransport {
  readonly #clientFor: (credentials: AwsCredentials) => KMSClient

  constructor(clientFor: (credentials: AwsCredentials) => KMSClient) {
    this.#clientFor = clientFor
  }

  async decrypt(
    request: DecryptRequest,
    credentials: AwsCredentials,
    signal: AbortSignal | undefined,
  ): Promise<DecryptReply> {
    const command = new DecryptCommand({
      KeyId: request.keyArn,
      CiphertextBlob: request.ciphertext,
      EncryptionContext: request.encryptionContext,
    })
    const reply = await this.#clientFor(credentials)
      .send(command, signal === undefined ? {} : { abortSignal: signal })
      .catch((error: unknown) => {
        throw fromSdkError(error)
      })
    const { requestId } = reply.$metadata
    if (reply.Plaintext === undefined || requestId === undefined)
      throw transportFault('malformed-reply', requestId)
    return {
      plaintext: SecretBytes.take(reply.Plaintext),
      keyId: reply.KeyId ?? '',
      keyMaterialId: reply.KeyMaterialId ?? '',
      encryptionAlgorithm: reply.EncryptionAlgorithm ?? '',
      requestId,
    }
  }
}
