import { hkdfSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hkdfSha512 } from '#envelope/hkdf.ts'

const bytes = (lengths: { minLength: number; maxLength: number }) =>
  fc.uint8Array(lengths).map((array) => Buffer.from(array))

describe('HKDF-SHA-512', () => {
  it('is what OpenSSL derives, for every input, salt and info', () => {
    fc.assert(
      fc.property(
        bytes({ minLength: 0, maxLength: 200 }),
        bytes({ minLength: 0, maxLength: 128 }),
        bytes({ minLength: 0, maxLength: 1024 }),
        (input, salt, info) => {
          expect(hkdfSha512(input, salt, info)).toEqual(
            Buffer.from(hkdfSync('sha512', input, salt, info, 64)),
          )
        },
      ),
    )
  })

  it('leaves what it was given as it was', () => {
    const [input, salt, info] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2), Buffer.alloc(64, 3)]
    hkdfSha512(input, salt, info)
    expect([input, salt, info]).toEqual([Buffer.alloc(32, 1), Buffer.alloc(32, 2), Buffer.alloc(64, 3)])
  })

  it('refuses a salt that HMAC would have to hash first', () => {
    expect(() => hkdfSha512(Buffer.alloc(32), Buffer.alloc(129), Buffer.alloc(0))).toThrow(RangeError)
  })
})
