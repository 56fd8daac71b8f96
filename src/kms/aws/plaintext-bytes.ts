import { SecretBytes } from '#envelope/secret-bytes.ts'

const MEMBER = Buffer.from('"Plaintext"', 'ascii')
const QUOTE = 0x22
const COLON = 0x3a
const PAD = 0x3d
const PLAINTEXT_BYTES_MAX = 4096

/** Value of each base64 character by its byte; 0xff for all others. */
const SEXTETS = new Uint8Array(256).fill(0xff)
for (const [value, byte] of Buffer.from(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
  'ascii',
).entries()) {
  SEXTETS[byte] = value
}

/**
 * Takes the `Plaintext` out of a Decrypt reply (JSON) without making a string of it: finds the member in the
 * bytes, decodes its base64 into a secret, and returns the rest of the reply with an empty string in its place.
 * Undefined when the reply has no such member, or more than one.
 *
 * The caller parses `rest` and sees that its `Plaintext` is the empty string: then what was cut out was that
 * member, and not part of another value.
 */
export function takePlaintext(reply: Buffer): { plaintext: SecretBytes; rest: string } | undefined {
  const member = reply.indexOf(MEMBER)
  if (member < 0 || reply.indexOf(MEMBER, member + 1) >= 0) return undefined
  const colon = skipWhitespace(reply, member + MEMBER.length)
  const quote = skipWhitespace(reply, colon + 1)
  if (reply[colon] !== COLON || reply[quote] !== QUOTE) return undefined
  const end = reply.indexOf(QUOTE, quote + 1)
  if (end < 0) return undefined
  const plaintext = decodeBase64(reply.subarray(quote + 1, end))
  if (plaintext === undefined) return undefined
  return { plaintext, rest: reply.toString('utf8', 0, quote + 1) + reply.toString('utf8', end) }
}

/** Strict base64 (RFC 4648 §4, padded, canonical) from bytes to bytes. */
function decodeBase64(text: Buffer): SecretBytes | undefined {
  const padding = text.at(-1) !== PAD ? 0 : text.at(-2) !== PAD ? 1 : 2
  const length = (text.length / 4) * 3 - padding
  if (text.length === 0 || text.length % 4 !== 0 || length > PLAINTEXT_BYTES_MAX) return undefined
  const secret = SecretBytes.alloc(length)
  const bytes = secret.unsafeBytes()
  let bits = 0
  let bitCount = 0
  let written = 0
  let isValid = true
  for (let at = 0; at < text.length - padding; at++) {
    const sextet = SEXTETS[text[at] ?? 0] ?? 0xff
    if (sextet === 0xff) isValid = false
    bits = ((bits << 6) | (sextet & 0x3f)) & 0xffff
    bitCount += 6
    if (bitCount < 8) continue
    bitCount -= 8
    bytes[written++] = bits >> bitCount
    bits &= (1 << bitCount) - 1
  }
  if (isValid && bits === 0 && written === length) return secret
  secret[Symbol.dispose]()
  return undefined
}

function skipWhitespace(bytes: Buffer, from: number): number {
  let at = from
  while (bytes[at] === 0x20 || bytes[at] === 0x09 || bytes[at] === 0x0a || bytes[at] === 0x0d) at++
  return at
}
