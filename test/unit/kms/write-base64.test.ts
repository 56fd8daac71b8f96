import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { base64Length, writeBase64 } from '#kms/write-base64.ts'

describe('base64 that is written byte by byte', () => {
  it('is what Node makes of the same bytes, and touches nothing around it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(9), (given, start) => {
        const bytes = Buffer.from(given)
        const length = base64Length(bytes.length)
        const out = Buffer.alloc(start + length + 3, 0xee)
        writeBase64(bytes, out, start)
        expect(out.toString('latin1', start, start + length)).toBe(bytes.toString('base64'))
        expect([...out.subarray(0, start), ...out.subarray(start + length)]).toEqual(
          Array.from({ length: start + 3 }, () => 0xee),
        )
      }),
    )
  })
})
