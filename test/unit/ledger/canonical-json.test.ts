import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, type JsonValue } from '#ledger/canonical-json.ts'

describe('canonical JSON', () => {
  it('sorts names by UTF-16 code units at every depth (RFC 8785 §3.2.3)', () => {
    const names = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 }
    expect(canonicalJson({ z: [names], a: null })).toBe(
      '{"a":null,"z":[{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}]}',
    )
  })

  it('is the same text in whatever order the fields were set, and reads back as the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value)
        const readBack: JsonValue = JSON.parse(text)
        expect(readBack).toEqual(JSON.parse(JSON.stringify(value)))
        expect(canonicalJson(reversed(readBack))).toBe(text)
      }),
    )
  })

  it('leaves out what is undefined, and refuses numbers that JSON does not have', () => {
    expect(canonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}')
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => canonicalJson({ bad })).toThrow(TypeError)
    }
  })
})

function reversed(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(reversed)
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, field]) => [name, field === undefined ? undefined : reversed(field)] as const)
      .toReversed(),
  )
}
