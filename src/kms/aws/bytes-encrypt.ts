import { base64Length, writeBase64 } from '#kms/write-base64.ts'
import type { AwsCredentials } from './aws-credentials.ts'
import { transportFault } from './aws-faults.ts'
import { type BytesCallDeps, callBytes, parseObject, textOf } from './call-bytes.ts'
import type { EncryptReply, EncryptRequest, EncryptTransport } from './encrypt-transport.ts'

/**
 * `kms:Encrypt` in bytes: the DEK goes from its {@link SecretBytes} as base64 into the request's body, which is wiped
 * when the call has ended, however it ends. It never becomes a string.
 */
export class BytesEncrypt implements EncryptTransport {
  readonly #deps: BytesCallDeps

  constructor(deps: BytesCallDeps) {
    this.#deps = deps
  }

  async encrypt(
    request: EncryptRequest,
    credentials: AwsCredentials,
    signal: AbortSignal | undefined,
  ): Promise<EncryptReply> {
    const body = bodyOf(request)
    try {
      const reply = await callBytes(this.#deps, 'TrentService.Encrypt', body, credentials, signal)
      return readReply(reply.body, reply.requestId)
    } finally {
      body.fill(0)
    }
  }
}

/** JSON whose last member is the plaintext. Not from Buffer's pool, which others share. */
function bodyOf({ keyArn, plaintext, encryptionContext }: EncryptRequest): Buffer {
  const rest = JSON.stringify({ EncryptionContext: encryptionContext, KeyId: keyArn })
  const head = Buffer.from(`${rest.slice(0, -1)},"Plaintext":"`)
  const tail = Buffer.from('"}')
  const length = base64Length(plaintext.length)
  const body = Buffer.alloc(head.length + length + tail.length)
  head.copy(body)
  writeBase64(plaintext.unsafeBytes(), body, head.length)
  tail.copy(body, head.length + length)
  return body
}

function readReply(body: Buffer, requestId: string): EncryptReply {
  const reply = parseObject(body.toString('utf8'))
  const blob = textOf(reply?.['CiphertextBlob'])
  const ciphertext = Buffer.from(blob, 'base64')
  // Node decodes leniently: only the one spelling of what it understood is what KMS sent.
  if (ciphertext.length === 0 || ciphertext.toString('base64') !== blob) {
    throw transportFault('malformed-reply', requestId)
  }
  return {
    ciphertext,
    keyId: textOf(reply?.['KeyId']),
    requestId,
  }
}
