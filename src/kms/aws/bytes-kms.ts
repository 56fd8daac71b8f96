import { takeSecretMember } from '#kms/secret-member.ts'
import { base64Length, writeBase64 } from '#kms/write-base64.ts'
import type { AwsCredentials } from './aws-credentials.ts'
import { transportFault } from './aws-faults.ts'
import {
  type BytesCallDeps,
  callBytes,
  parseObject,
  signedBody,
  type SignedBody,
  textOf,
} from './call-bytes.ts'
import type {
  DecryptReply,
  DecryptRequest,
  EncryptReply,
  EncryptRequest,
  KmsTransport,
} from './kms-transport.ts'

/**
 * KMS in bytes: no string of a DEK is made in either direction. `kms:Encrypt` has it as base64 in a body that is wiped
 * when the call has ended, however it ends. `kms:Decrypt`, the hot path, takes it from the reply's buffer straight into
 * a {@link SecretBytes}, and wipes the reply.
 */
export class BytesKms implements KmsTransport {
  readonly #deps: BytesCallDeps

  constructor(deps: BytesCallDeps) {
    this.#deps = deps
  }

  async encrypt(
    request: EncryptRequest,
    credentials: AwsCredentials,
    signal: AbortSignal | undefined,
  ): Promise<EncryptReply> {
    const body = encryptBody(request)
    try {
      const signed = signedBody(body)
      const reply = await callBytes(this.#deps, 'TrentService.Encrypt', signed, credentials, signal)
      return readEncryptReply(reply.body, reply.requestId)
    } finally {
      body.fill(0)
    }
  }

  async decrypt(
    request: DecryptRequest,
    credentials: AwsCredentials,
    signal: AbortSignal | undefined,
  ): Promise<DecryptReply> {
    const body = decryptBody(request)
    const reply = await callBytes(this.#deps, 'TrentService.Decrypt', body, credentials, signal)
    try {
      return readDecryptReply(reply.body, reply.requestId)
    } finally {
      reply.body.fill(0)
    }
  }
}

/** Every unwrap of a wrapped DEK asks the same; none of it is secret. */
const decryptBodies = new WeakMap<Buffer, DecryptRequest & SignedBody>()

function decryptBody(request: DecryptRequest): SignedBody {
  const { ciphertext, encryptionContext, keyArn } = request
  const known = decryptBodies.get(ciphertext)
  if (known?.encryptionContext === encryptionContext && known.keyArn === keyArn) return known
  const members = {
    CiphertextBlob: ciphertext.toString('base64'),
    EncryptionContext: encryptionContext,
    KeyId: keyArn,
  }
  const fresh = { ...request, ...signedBody(Buffer.from(JSON.stringify(members))) }
  decryptBodies.set(ciphertext, fresh)
  return fresh
}

/** JSON whose last member is the plaintext. Not from Buffer's pool, which others share. */
function encryptBody({ keyArn, plaintext, encryptionContext }: EncryptRequest): Buffer {
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

function readEncryptReply(body: Buffer, requestId: string): EncryptReply {
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

function readDecryptReply(body: Buffer, requestId: string): DecryptReply {
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
