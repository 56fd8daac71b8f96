import { createHmac, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { SecretRing } from './secret-ring.ts'

/** Tells people and secret scanners what a token is for. */
export type TokenPrefix = 'hasp_vk' | 'hasp_admin' | 'hasp_link'

/** What is shown once, and what may be stored and listed for good. */
export type MintedToken = Readonly<{ token: string; hint: string }>

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const RANDOM_BYTES = 32
/** 62^43 > 2^256. */
const BODY_CHARS = 43
/** 62^6 > 2^32. */
const CHECKSUM_CHARS = 6

/**
 * A new token, `<prefix>_<43 characters of 256 random bits><6 characters of CRC-32>`, in base 62 so that a double
 * click selects all of it. The checksum lets scanners and {@link isWellFormedToken} tell a token from a typing
 * error without a look-up. Store only {@link tokenDigests} of it.
 */
export function mintToken(prefix: TokenPrefix): MintedToken {
  const body = base62(BigInt(`0x${randomBytes(RANDOM_BYTES).toString('hex')}`), BODY_CHARS)
  const token = `${prefix}_${body}${checksum(prefix, body)}`
  return { token, hint: `${prefix}_${body.slice(0, 4)}…${token.slice(-4)}` }
}

/** Whether `token` could have come from {@link mintToken}; says nothing of whether it was issued. */
export function isWellFormedToken(prefix: TokenPrefix, token: string): boolean {
  const start = prefix.length + 1
  if (token.length !== start + BODY_CHARS + CHECKSUM_CHARS || !token.startsWith(`${prefix}_`)) return false
  const body = token.slice(start, start + BODY_CHARS)
  return /^[0-9A-Za-z]+$/.test(body) && token.slice(-CHECKSUM_CHARS) === checksum(prefix, body)
}

/**
 * The digests under which `token` may be stored: by the current secret first, then by the previous one. Keyed
 * (HMAC-SHA-256), so that a stolen database does not confirm a guess and a written one cannot plant a token.
 */
export function tokenDigests(ring: SecretRing, token: string): Buffer[] {
  return ring.subkeys('tokenDigest').map((subkey) => createHmac('sha256', subkey).update(token).digest())
}

function checksum(prefix: TokenPrefix, body: string): string {
  let text = ''
  // 32 bits are a plain number: on the path of every proxied call, a bigint would cost four times as much.
  for (let rest = crc32(`${prefix}_${body}`); text.length < CHECKSUM_CHARS; rest = Math.floor(rest / 62)) {
    text = ALPHABET.charAt(rest % 62) + text
  }
  return text
}

function base62(value: bigint, chars: number): string {
  let text = ''
  for (let rest = value; text.length < chars; rest /= 62n) text = ALPHABET.charAt(Number(rest % 62n)) + text
  return text
}
