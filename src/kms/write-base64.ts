const DIGITS = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', 'ascii')
const PAD = 0x3d

/** How many bytes {@link writeBase64} writes for `length` bytes. */
export function base64Length(length: number): number {
  return Math.ceil(length / 3) * 4
}

/** Writes the base64 (RFC 4648 §4) of `bytes` into `out` from `start` on, byte by byte: no string is made of it. */
export function writeBase64(bytes: Buffer, out: Buffer, start: number): void {
  let at = start
  for (let from = 0; from < bytes.length; from += 3) {
    const given = Math.min(3, bytes.length - from)
    const bits = ((bytes[from] ?? 0) << 16) | ((bytes[from + 1] ?? 0) << 8) | (bytes[from + 2] ?? 0)
    for (let digit = 0; digit < 4; digit += 1) {
      out[at++] = digit <= given ? (DIGITS[(bits >> (18 - 6 * digit)) & 0x3f] ?? 0) : PAD
    }
  }
}
