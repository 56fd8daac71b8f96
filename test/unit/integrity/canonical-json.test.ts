import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, type JsonValue } from '#integrity/canonical-json.ts'

const { arbitraryJson } = fc.letrec<{ arbitraryJson: JsonValue }>((tie) => ({
  arbitraryJson: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: 'grapheme' }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('arbitraryJson'), { maxLength: 5 }),
    fc.dictionary(fc.string({ unit: 'grapheme' }), tie('arbitraryJson'), {
      maxKeys: 5,
      noNullPrototype: true,
    }),
  ),
}))

describe('canonical JSON', () => {
  it('writes the example of RFC 8785 §3.2.3 in its order', () => {
    const members = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    }
    const values: unknown = Object.values(JSON.parse(canonicalJson(members)) ?? {})
    expect(values).toEqual([
      // A parser lists integer-like names first, which is where RFC 8785 would put '1' but for '\r'.
      'One',
      'Carriage Return',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ])
    expect(canonicalJson(members).startsWith('{"\\r":"Carriage Return","1":"One",')).toBe(true)
  })

  it('writes numbers and strings as RFC 8785 §3.2.2 does', () => {
    const value = {
      numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 1e-27, -0],
      string: '\u20ac$\u000f\nA\'B"\\\\"/',
    }
    expect(canonicalJson(value)).toBe(
      '{"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27,0],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    )
  })

  it('is JSON of the same value, and does not depend on the order of members', () => {
    fc.assert(
      fc.property(arbitraryJson, (value) => {
        const text = canonicalJson(value)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
        expect(canonicalJson(JSON.parse(text))).toBe(text)
      }),
    )
    expect(canonicalJson({ b: 1, a: { d: 2, c: 3 } })).toBe(canonicalJson({ a: { c: 3, d: 2 }, b: 1 }))
  })

  it.each([
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['undefined', undefined],
    ['a bigint', 1n],
    ['a date', new Date(0)],
    ['a function', () => 1],
    ['a broken surrogate pair', '\ud800'],
    ['a hole in a list', [undefined]],
  ])('refuses %s', (_, value) => {
    expect(() => Reflect.apply(canonicalJson, undefined, [{ value }])).toThrow(TypeError)
  })
})
