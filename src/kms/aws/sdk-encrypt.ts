import { EncryptCommand, type KMSClient } from '@aws-sdk/client-kms'
import type { AwsCredentials } from './aws-credentials.ts'
import { transportFault } from './aws-faults.ts'
import type { EncryptReply, EncryptRequest, EncryptTransport } from './encrypt-transport.ts'
import { fromSdkError } from './sdk-errors.ts'

/**
 * `kms:Encrypt` through the official SDK, which makes a string of the DEK's base64 on its way: correct, and the
 * measure of {@link BytesEncrypt}, but strings cannot be wiped.
 */
export class SdkEncrypt implements EncryptTransport {
  readonly #clientFor: (credentials: AwsCredentials) => KMSClient

  constructor(clientFor: (credentials: AwsCredentials) => KMSClient) {
    this.#clientFor = clientFor
  }

  async encrypt(
    request: EncryptRequest,
    credentials: AwsCredentials,
    signal: AbortSignal | undefined,
  ): Promise<EncryptReply> {
    const command = new EncryptCommand({
      KeyId: request.keyArn,
      Plaintext: request.plaintext.unsafeBytes(),
      EncryptionContext: request.encryptionContext,
    })
    const reply = await this.#clientFor(credentials)
      .send(command, signal === undefined ? {} : { abortSignal: signal })
      .catch((error: unknown) => {
        throw fromSdkError(error)
      })
    const { requestId } = reply.$metadata
    // A call without a request id cannot be matched with the customer's trail: it does not count as answered.
    if (!reply.CiphertextBlob?.length || requestId === undefined)
      throw transportFault('malformed-reply', requestId)
    return {
      ciphertext: Buffer.from(reply.CiphertextBlob),
      keyId: reply.KeyId ?? '',
      requestId,
    }
  }
}
