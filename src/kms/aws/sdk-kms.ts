import { DecryptCommand, EncryptCommand, type KMSClient } from '@aws-sdk/client-kms'
import { SecretBytes } from '#envelope/secret-bytes.ts'
import type { AwsCredentials } from './aws-credentials.ts'
import { transportFault } from './aws-faults.ts'
import type {
  DecryptReply,
  DecryptRequest,
  EncryptReply,
  EncryptRequest,
  KmsTransport,
} from './kms-transport.ts'
import { fromSdkError } from './sdk-errors.ts'

/**
 * KMS through the official SDK, which makes a string of the DEK's base64 on its way: correct, and the measure of
 * {@link BytesKms}, but strings cannot be wiped. An answer without a request id cannot be matched with the customer's
 * trail: it does not count as one.
 */
export class SdkKms implements KmsTransport {
  readonly #clientFor: (credentials: AwsCredentials) => KMSClient

  constructor(clientFor: (credentials: AwsCredentials) => KMSClient) {
    this.#clientFor = clientFor
  }

  async encrypt(
    { encryptionContext, keyArn, plaintext }: EncryptRequest,
    credentials: AwsCredentials,
    signal: AbortSignal | undefined,
  ): Promise<EncryptReply> {
    const command = new EncryptCommand({
      KeyId: keyArn,
      Plaintext: plaintext.unsafeBytes(),
      EncryptionContext: encryptionContext,
    })
    const reply = await answered(this.#clientFor(credentials).send(command, abortBy(signal)))
    const { requestId } = reply.$metadata
    if (!reply.CiphertextBlob?.length || requestId === undefined)
      throw transportFault('malformed-reply', requestId)
    return { ciphertext: Buffer.from(reply.CiphertextBlob), keyId: reply.KeyId ?? '', requestId }
  }

  async decrypt(
    { ciphertext, encryptionContext, keyArn }: DecryptRequest,
    credentials: AwsCredentials,
    signal: AbortSignal | undefined,
  ): Promise<DecryptReply> {
    const command = new DecryptCommand({
      KeyId: keyArn,
      CiphertextBlob: ciphertext,
      EncryptionContext: encryptionContext,
    })
    const reply = await answered(this.#clientFor(credentials).send(command, abortBy(signal)))
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

function abortBy(signal: AbortSignal | undefined) {
  return signal === undefined ? {} : { abortSignal: signal }
}

function answered<Reply>(call: Promise<Reply>): Promise<Reply> {
  return call.catch((error: unknown) => {
    throw fromSdkError(error)
  })
}
