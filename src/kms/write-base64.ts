import type { Base64Variant } from './secret-member.ts'

const LETTERS_AND_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const DIGITS: Readonly<Record<Base64Variant, Buffer>> = {
  base64: Buffer.from(`${LETTERS_AND_DIGITS}+/`, 'ascii'),
  base64url: Buffer.from(`${LETTERS_AND_DIGITS}-_`, 'ascii'),
}
const PAD = 0x3d

/** How many bytes {@link writeBase64} writes for `length` bytes. */
export function base64Length(length: number, variant: Base64Variant = 'base64'): number {
  return variant === 'base64' ? Math.ceil(length / 3) * 4 : Math.ceil((length * 4) / 3)
}

/** Writes the base64 of `bytes` into `out` from `start` on, byte by byte: no string is made of it. */
export function writeBase64(
  bytes: Buffer,
  out: Buffer,
  start: number,
  variant: Base64Variant = 'base64',
): void {
  const digits = DIGITS[variant]
  let at = start
  for (let from = 0; from < bytes.length; from += 3) {
    const given = Math.min(3, bytes.length - from)
    const bits = ((bytes[from] ?? 0) << 16) | ((bytes[from + 1] ?? 0) << 8) | (bytes[from + 2] ?? 0)
    for (let digit = 0; digit < 4; digit += 1) {
      if (digit <= given) out[at++] = digits[(bits >> (18 - 6 * digit)) & 0x3f] ?? 0
      else if (variant === 'base64') out[at++] = PAD
    }
  }
}
