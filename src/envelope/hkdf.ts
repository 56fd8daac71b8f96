import { hash } from 'node:crypto'

const BLOCK_BYTES = 128
const DIGEST_BYTES = 64

/**
 * HKDF-SHA-512 (RFC 5869) to 64 bytes, one block of its output, written out over Node's one-shot hash: half the time
 * of `hkdfSync`, on the path of every strict request. Everything on the way is in memory of this function's own, and
 * zero when it returns; the caller wipes what it gets.
 *
 * @param salt at most 128 bytes: longer ones, which HMAC would hash first, no caller has
 */
export function hkdfSha512(input: Buffer, salt: Buffer, info: Buffer): Buffer {
  if (salt.length > BLOCK_BYTES) throw new RangeError('The salt is longer than a block.')
  const extracted = hmacSha512(salt, [input])
  try {
    return hmacSha512(extracted, [info, FIRST_BLOCK])
  } finally {
    extracted.fill(0)
  }
}

const FIRST_BLOCK = Buffer.of(1)

/** RFC 2104, for a key of at most one block. */
function hmacSha512(hmacKey: Buffer, message: readonly Buffer[]): Buffer {
  let length = BLOCK_BYTES
  for (const part of message) length += part.length
  const inner = Buffer.alloc(length, 0)
  const outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES, 0)
  let digest: Buffer | undefined
  try {
    for (let at = 0; at < BLOCK_BYTES; at++) {
      const byte = hmacKey[at] ?? 0
      inner[at] = byte ^ 0x36
      outer[at] = byte ^ 0x5c
    }
    let end = BLOCK_BYTES
    for (const part of message) {
      inner.set(part, end)
      end += part.length
    }
    digest = hash('sha512', inner, 'buffer')
    outer.set(digest, BLOCK_BYTES)
    return hash('sha512', outer, 'buffer')
  } finally {
    digest?.fill(0)
    inner.fill(0)
    outer.fill(0)
  }
}
