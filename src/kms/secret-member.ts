import { SecretBytes } from '#envelope/secret-bytes.ts'

const QUOTE = 0x22
const COLON = 0x3a
const PAD = 0x3d
const PLAINTEXT_BYTES_MAX = 4096

/** RFC 4648: §4 with its padding, §5 without. */
export type Base64Variant = 'base64' | 'base64url'

const LETTERS_AND_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const SEXTETS: Readonly<Record<Base64Variant, Uint8Array>> = {
  base64: sextetsOf(`${LETTERS_AND_DIGITS}+/`),
  base64url: sextetsOf(`${LETTERS_AND_DIGITS}-_`),
}

/**
 * Takes a secret member out of a reply (JSON) without making a string of it: finds the member in the bytes,
 * decodes its base64 into a secret, and returns the rest of the reply with an empty string in its place.
 * Undefined when the reply has no such member, or more than one.
 *
 * The caller parses `rest` and sees that this member of it is the empty string: then what was cut out was that
 * member, and not part of another value.
 */
export function takeSecretMember(
  reply: Buffer,
  name: string,
  variant: Base64Variant,
): { secret: SecretBytes; rest: string } | undefined {
  const quotedName = Buffer.from(`"${name}"`, 'ascii')
  const member = reply.indexOf(quotedName)
  if (member < 0 || reply.indexOf(quotedName, member + 1) >= 0) return undefined
  const colon = skipWhitespace(reply, member + quotedName.length)
  const quote = skipWhitespace(reply, colon + 1)
  if (reply[colon] !== COLON || reply[quote] !== QUOTE) return undefined
  const end = reply.indexOf(QUOTE, quote + 1)
  if (end < 0) return undefined
  const secret = decodeBase64(reply.subarray(quote + 1, end), variant)
  if (secret === undefined) return undefined
  return { secret, rest: reply.toString('utf8', 0, quote + 1) + reply.toString('utf8', end) }
}

/** Strict, canonical base64 from bytes to bytes. */
function decodeBase64(text: Buffer, variant: Base64Variant): SecretBytes | undefined {
  const padding = variant === 'base64url' || text.at(-1) !== PAD ? 0 : text.at(-2) !== PAD ? 1 : 2
  const isWhole = variant === 'base64url' ? text.length % 4 !== 1 : text.length % 4 === 0
  const length = Math.floor(((text.length - padding) * 3) / 4)
  if (text.length === 0 || !isWhole || length > PLAINTEXT_BYTES_MAX) return undefined
  const sextets = SEXTETS[variant]
  const secret = SecretBytes.alloc(length)
  const bytes = secret.unsafeBytes()
  let bits = 0
  let bitCount = 0
  let written = 0
  let isValid = true
  for (let at = 0; at < text.length - padding; at++) {
    const sextet = sextets[text[at] ?? 0] ?? 0xff
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

/** Value of each character by its byte; 0xff for all others. */
function sextetsOf(alphabet: string): Uint8Array {
  const sextets = new Uint8Array(256).fill(0xff)
  for (const [value, byte] of Buffer.from(alphabet, 'ascii').entries()) sextets[byte] = value
  return sextets
}
