import type { SecretBytes } from '#envelope/secret-bytes.ts'
import { base64Length, writeBase64 } from '#kms/write-base64.ts'

/**
 * `{"alg":…,"value":…}` with the secret's base64url as value, written byte by byte: no string of it is ever made.
 * The caller wipes what it gets.
 */
export function secretRequest(alg: string, secret: SecretBytes): Buffer {
  const head = Buffer.from(`{"alg":"${alg}","value":"`, 'ascii')
  const tail = Buffer.from('"}', 'ascii')
  const length = base64Length(secret.length, 'base64url')
  // Not from the pool, which others share.
  const body = Buffer.alloc(head.length + length + tail.length)
  head.copy(body)
  writeBase64(secret.unsafeBytes(), body, head.length, 'base64url')
  tail.copy(body, head.length + length)
  return body
}
