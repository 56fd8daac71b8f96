/**
 * Arithmetic in GF(2^128) as AES-GCM has it (NIST SP 800-38D §6.3): the first bit of a block is the coefficient
 * of x^0, so that in a bigint read big-endian it is bit 127. Slow and not constant-time: for test vectors only.
 */
const REDUCTION = 0xe1n << 120n
const ONE = 1n << 127n

export function multiply(a: bigint, b: bigint): bigint {
  let product = 0n
  let shifted = b
  for (let bit = 127n; bit >= 0n; bit--) {
    if ((a >> bit) & 1n) product ^= shifted
    shifted = shifted & 1n ? (shifted >> 1n) ^ REDUCTION : shifted >> 1n
  }
  return product
}

export function power(base: bigint, exponent: bigint): bigint {
  let result = ONE
  for (let square = base, rest = exponent; rest > 0n; rest >>= 1n, square = multiply(square, square)) {
    if (rest & 1n) result = multiply(result, square)
  }
  return result
}

/** By Fermat: a^(2^128 - 2). */
export function invert(a: bigint): bigint {
  if (a === 0n) throw new Error('Zero has no inverse.')
  return power(a, (1n << 128n) - 2n)
}
