import { takeSecretMember } from '#kms/secret-member.ts'
import type { AwsCredentials } from './aws-credentials.ts'
import { transportFault } from './aws-faults.ts'
import { type BytesCallDeps, callBytes, parseObject, textOf } from './call-bytes.ts'
import type { DecryptReply, DecryptRequest, DecryptTransport } from './decrypt-transport.ts'

/**
 * `kms:Decrypt` for the hot path: signed bytes out, bytes back, and the DEK goes from the reply's buffer straight
 * into a {@link SecretBytes}. It never becomes a string, and the reply is wiped.
 */
export class BytesDecrypt implements DecryptTransport {
  readonly #deps: BytesCallDeps

  constructor(deps: BytesCallDeps) {
    this.#deps = deps
  }

  async decrypt(
    request: DecryptRequest,
    credentials: AwsCredentials,
    signal: AbortSignal | undefined,
  ): Promise<DecryptReply> {
    const body = Buffer.from(
      JSON.stringify({
        CiphertextBlob: request.ciphertext.toString('base64'),
        EncryptionContext: request.encryptionContext,
        KeyId: request.keyArn,
      }),
    )
    const reply = await callBytes(this.#deps, 'TrentService.Decrypt', body, credentials, signal)
    try {
      return readReply(reply.body, reply.requestId)
    } finally {
      reply.body.fill(0)
    }
  }
}

function readReply(body: Buffer, requestId: string): DecryptReply {
  const taken = takeSecretMember(body, 'Plaintext', 'base64')
  if (taken === undefined) throw transportFault('malformed-reply', requestId)
  const rest = parseObject(taken.rest)
  if (rest?.['Plaintext'] !== '') {
    taken.secret[Symbol.dispose]()
    throw transportFault('malformed-reply', requestId)
  }
  return {
    plaintext: taken.secret,
    keyId: textOf(rest['KeyId']),
    keyMaterialId: textOf(rest['KeyMaterialId']),
    encryptionAlgorithm: textOf(rest['EncryptionAlgorithm']),
    requestId,
  }
}
