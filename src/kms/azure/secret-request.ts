import type { SecretBytes } from '#envelope/secret-bytes.ts'

const DIGITS = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', 'ascii')

/**
 * `{"alg":…,"value":…}` with the secret's base64url (RFC 4648 §5) as value, written byte by byte: no string of it
 * is ever made. The caller wipes what it gets.
 */
export function secretRequest(alg: string, secret: SecretBytes): Buffer {
  const head = Buffer.from(`{"alg":"${alg}","value":"`, 'ascii')
  const tail = Buffer.from('"}', 'ascii')
  const length = Math.ceil((secret.length * 4) / 3)
  // Not from the pool, which others share.
  const body = Buffer.alloc(head.length + length + tail.length)
  head.copy(body)
  writeBase64Url(secret.unsafeBytes(), body, head.length)
  tail.copy(body, head.length + length)
  return body
}

function writeBase64Url(bytes: Buffer, out: Buffer, start: number): void {
  let at = start
  let bits = 0
  let bitCount = 0
  for (const byte of bytes) {
    bits = ((bits << 8) | byte) & 0xffff
    bitCount += 8
    while (bitCount >= 6) {
      bitCount -= 6
      out[at++] = DIGITS[(bits >> bitCount) & 0x3f] ?? 0
    }
  }
  if (bitCount > 0) out[at] = DIGITS[(bits << (6 - bitCount)) & 0x3f] ?? 0
}
