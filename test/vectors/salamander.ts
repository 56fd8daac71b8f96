import { createCipheriv } from 'node:crypto'
import { invert, multiply, power } from './gf128.ts'

const BLOCK_BYTES = 16

/**
 * Makes one AES-256-GCM ciphertext and tag that open under two keys ("invisible salamander", Dodis, Grubbs,
 * Ristenpart, Woodage, CRYPTO 2018). For a fixed nonce the tag is linear in the ciphertext's blocks, so setting
 * both tags equal is one linear equation over GF(2^128), solved for the block `freeBlock`.
 *
 * @param ciphertext whole blocks; all but the free one are kept
 */
export function makeSalamander(input: {
  keys: readonly [Buffer, Buffer]
  nonce: Buffer
  aad: Buffer
  ciphertext: Buffer
  freeBlock: number
}): { ciphertext: Buffer; tag: Buffer } {
  const { keys, nonce, aad, freeBlock } = input
  const [first, second] = keys
  const hashKeys = [aesBlock(first, Buffer.alloc(BLOCK_BYTES)), aesBlock(second, Buffer.alloc(BLOCK_BYTES))] as const
  const counter = Buffer.concat([nonce, Buffer.of(0, 0, 0, 1)])
  const masks = aesBlock(first, counter) ^ aesBlock(second, counter)

  const blocks = ghashBlocks(aad, input.ciphertext)
  const freeIndex = Math.ceil(aad.length / BLOCK_BYTES) + freeBlock
  const difference = (index: number): bigint => {
    const exponent = BigInt(blocks.length - index)
    return power(hashKeys[0], exponent) ^ power(hashKeys[1], exponent)
  }
  const others = blocks.reduce(
    (sum, block, index) => (index === freeIndex ? sum : sum ^ multiply(block, difference(index))),
    masks,
  )
  blocks[freeIndex] = multiply(others, invert(difference(freeIndex)))

  const ciphertext = Buffer.from(input.ciphertext)
  toBytes(blocks[freeIndex]).copy(ciphertext, freeBlock * BLOCK_BYTES)
  const hash = blocks.reduce(
    (sum, block, index) => sum ^ multiply(block, power(hashKeys[0], BigInt(blocks.length - index))),
    0n,
  )
  return { ciphertext, tag: toBytes(hash ^ aesBlock(first, counter)) }
}

/** What GHASH runs over: AAD and ciphertext, zero-padded to blocks, then both lengths in bits. */
function ghashBlocks(aad: Buffer, ciphertext: Buffer): bigint[] {
  const lengths = Buffer.alloc(BLOCK_BYTES)
  lengths.writeBigUInt64BE(BigInt(aad.length) * 8n, 0)
  lengths.writeBigUInt64BE(BigInt(ciphertext.length) * 8n, 8)
  const padded = Buffer.concat([zeroPadded(aad), zeroPadded(ciphertext), lengths])
  return Array.from({ length: padded.length / BLOCK_BYTES }, (_, index) =>
    toNumber(padded.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES)),
  )
}

function zeroPadded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & (BLOCK_BYTES - 1))])
}

function aesBlock(key: Buffer, block: Buffer): bigint {
  return toNumber(createCipheriv('aes-256-ecb', key, null).update(block))
}

function toNumber(block: Buffer): bigint {
  return BigInt(`0x${block.toString('hex')}`)
}

function toBytes(block: bigint): Buffer {
  return Buffer.from(block.toString(16).padStart(BLOCK_BYTES * 2, '0'), 'hex')
}
