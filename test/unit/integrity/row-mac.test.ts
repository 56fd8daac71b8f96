import { randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeRow, type MacRow, type MacValue } from '#integrity/row-encoding.ts'
import { rowMac, rowMacs, verifyRowMac } from '#integrity/row-mac.ts'
import { SecretRing } from '#integrity/secret-ring.ts'

const ring = new SecretRing({ current: randomBytes(32) })
const row: MacRow = {
  id: 'a',
  org_id: 'b',
  sealed: Buffer.from([1, 2, 3]),
  models: ['gpt-5', 'gpt-5-mini'],
  generation: 4n,
  revoked_at: null,
  created_at: new Date('2026-01-02T03:04:05.678Z'),
  access: { roleArn: 'x', nested: { b: 1, a: [true, null] } },
  is_open: true,
}

const arbitraryValue: fc.Arbitrary<MacValue> = fc.oneof(
  fc.string(),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.boolean(),
  fc.constant(null),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc.array(fc.string()),
)
const arbitraryRow = fc.dictionary(fc.string(), arbitraryValue, { maxKeys: 5 })

describe('the mac of a row', () => {
  it('verifies the row that it was made of, whatever the order of its columns', () => {
    const mac = rowMac(ring, 'credentials', row)
    const reordered = Object.fromEntries(Object.entries(row).reverse())
    expect(mac).toHaveLength(32)
    expect(verifyRowMac(ring, 'credentials', reordered, mac)).toBe(true)
  })

  it.each<[string, MacRow]>([
    ['id', { ...row, id: 'c' }],
    ['org_id', { ...row, org_id: 'c' }],
    ['sealed', { ...row, sealed: Buffer.from([1, 2, 4]) }],
    ['models', { ...row, models: ['gpt-5gpt-5-mini'] }],
    ['generation', { ...row, generation: 3n }],
    ['revoked_at', { ...row, revoked_at: new Date(0) }],
    ['created_at', { ...row, created_at: new Date('2026-01-02T03:04:05.679Z') }],
    ['access', { ...row, access: { roleArn: 'x', nested: { b: 1, a: [true] } } }],
    ['is_open', { ...row, is_open: false }],
    ['the values of two columns', { ...row, id: 'b', org_id: 'a' }],
    ['a column that was added', { ...row, extra: null }],
  ])('refuses a change of %s', (_, changed) => {
    const mac = rowMac(ring, 'credentials', row)
    expect(verifyRowMac(ring, 'credentials', changed, mac)).toBe(false)
  })

  it('refuses the row in another table, a flipped bit of the mac, and a mac of another length', () => {
    const mac = rowMac(ring, 'credentials', row)
    expect(verifyRowMac(ring, 'targets', row, mac)).toBe(false)
    for (let bit = 0; bit < 256; bit++) {
      const flipped = Buffer.from(mac)
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      expect(verifyRowMac(ring, 'credentials', row, flipped)).toBe(false)
    }
    for (const length of [0, 31, 33]) {
      expect(verifyRowMac(ring, 'credentials', row, Buffer.alloc(length, mac))).toBe(false)
    }
  })

  it('covers every column but the mac itself', () => {
    expect(rowMac(ring, 't', { ...row, mac: Buffer.alloc(32) })).toEqual(rowMac(ring, 't', row))
  })

  it('is one for a number and a bigint of the same value, and another for the text of it', () => {
    expect(encodeRow('t', { n: 5 })).toEqual(encodeRow('t', { n: 5n }))
    expect(encodeRow('t', { n: -0 })).toEqual(encodeRow('t', { n: 0n }))
    expect(encodeRow('t', { n: 5 })).not.toEqual(encodeRow('t', { n: '5' }))
  })

  it('is made of bytes that no two different rows share', () => {
    fc.assert(
      fc.property(arbitraryRow, arbitraryRow, fc.string(), fc.string(), (a, b, tableA, tableB) => {
        fc.pre(!Object.hasOwn(a, 'mac') && !Object.hasOwn(b, 'mac'))
        expect(encodeRow(tableA, a).equals(encodeRow(tableB, b))).toBe(
          tableA === tableB && describeRow(a) === describeRow(b),
        )
      }),
      { numRuns: 1000 },
    )
  })

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['a fraction', 1.5],
    ['an unsafe integer', 2 ** 53],
    ['an invalid date', new Date('no date')],
    ['a broken surrogate pair', 'a\ud800'],
    ['a class instance', new Map()],
    ['a list of other things than texts', [1]],
    ['JSON with a non-finite number', { a: Number.NaN }],
    ['JSON with undefined inside', { a: undefined }],
  ])('cannot be made of %s', (_, value) => {
    expect(() => Reflect.apply(rowMac, undefined, [ring, 't', { column: value }])).toThrow(TypeError)
  })
})

/** An independent notion of "the same row": types and values in words. */
function describeRow(value: MacRow): string {
  const words = Object.entries(value).map(([name, member]): [string, string] => {
    if (typeof member === 'number') return [name, `bigint ${BigInt(member)}`]
    if (member instanceof Date) return [name, `date ${member.getTime()}`]
    if (Buffer.isBuffer(member)) return [name, `bytes ${member.toString('hex')}`]
    return [
      name,
      typeof member === 'bigint' ? `bigint ${member}` : `${typeof member} ${JSON.stringify(member)}`,
    ]
  })
  return JSON.stringify(words.sort(([a], [b]) => (a < b ? -1 : 1)))
}

describe('replacing the integrity secret', () => {
  const [old, fresh] = [randomBytes(32), randomBytes(32)]

  it('keeps rows of the previous secret valid, and none of an older one', () => {
    const mac = rowMac(new SecretRing({ current: old }), 't', row)
    expect(verifyRowMac(new SecretRing({ current: fresh, previous: old }), 't', row, mac)).toBe(true)
    expect(verifyRowMac(new SecretRing({ current: fresh }), 't', row, mac)).toBe(false)
  })

  it('makes new macs with the current secret', () => {
    const mac = rowMac(new SecretRing({ current: fresh, previous: old }), 't', row)
    expect(verifyRowMac(new SecretRing({ current: fresh }), 't', row, mac)).toBe(true)
    expect(verifyRowMac(new SecretRing({ current: old }), 't', row, mac)).toBe(false)
  })

  it('finds a row by either of its macs, the current one first', () => {
    const [current, previous, ...rest] = rowMacs(new SecretRing({ current: fresh, previous: old }), 't', row)
    expect(current).toEqual(rowMac(new SecretRing({ current: fresh }), 't', row))
    expect(previous).toEqual(rowMac(new SecretRing({ current: old }), 't', row))
    expect(rest).toEqual([])
  })

  it('refuses a secret shorter than 32 bytes', () => {
    expect(() => new SecretRing({ current: randomBytes(31) })).toThrow(RangeError)
    expect(() => new SecretRing({ current: randomBytes(32), previous: randomBytes(31) })).toThrow(RangeError)
  })

  it('keeps no reference to the roots, which may be wiped at once', () => {
    const root = Buffer.from(old)
    const wiped = new SecretRing({ current: root })
    const before = rowMac(wiped, 't', row)
    root.fill(0)
    expect(rowMac(wiped, 't', row)).toEqual(before)
    expect(JSON.stringify(wiped)).toBe('"[secret ring]"')
  })
})
