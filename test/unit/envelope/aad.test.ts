import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalAad, contextFields } from '#envelope/aad.ts'
import type { EncryptionContext } from '#envelope/encryption-context.ts'
import { arbitraryContext, EXAMPLE_CONTEXT } from './arbitraries.ts'

function withField(field: string, value: unknown): EncryptionContext {
  return Object.assign({ ...EXAMPLE_CONTEXT }, { [field]: value })
}

describe('the AAD of a context', () => {
  it('differs whenever the contexts differ', () => {
    fc.assert(
      fc.property(arbitraryContext, arbitraryContext, (a, b) => {
        const isSame = JSON.stringify(contextFields(a)) === JSON.stringify(contextFields(b))
        expect(canonicalAad(a).equals(canonicalAad(b))).toBe(isSame)
      }),
      { numRuns: 500 },
    )
  })

  it('differs for every way to split one text over two neighbouring fields', () => {
    const joined = 'hasp:orgopenaiproduction'
    const seen = new Set<string>()
    for (let split = 1; split < joined.length; split++) {
      const context = { ...EXAMPLE_CONTEXT, org: joined.slice(0, split), provider: joined.slice(split) }
      seen.add(canonicalAad(context).toString('hex'))
    }
    expect(seen.size).toBe(joined.length - 1)
  })

  it('does not depend on the order in which the fields were given', () => {
    const reversed = Object.fromEntries(Object.entries(EXAMPLE_CONTEXT).reverse())
    expect(canonicalAad({ ...EXAMPLE_CONTEXT, ...reversed }).equals(canonicalAad(EXAMPLE_CONTEXT))).toBe(true)
  })

  it('can not stand for another once it is encoded: neither the context nor its fields change any more', () => {
    const context = { ...EXAMPLE_CONTEXT }
    const before = Buffer.from(canonicalAad(context))
    expect(() => Object.assign(context, { org: 'org-2' })).toThrow(TypeError)
    expect(() => Object.assign(contextFields(context), { 'hasp:org': 'org-2' })).toThrow(TypeError)
    expect(() => Object.setPrototypeOf(context, { org: 'org-2' })).toThrow(TypeError)
    expect(canonicalAad(context)).toEqual(before)
    expect(contextFields(context)['hasp:org']).toBe('org-1')
  })

  it('is encoded from each context by itself, and refused each time where it is refused', () => {
    const context = { ...EXAMPLE_CONTEXT }
    canonicalAad(context)
    expect(canonicalAad({ ...context, org: 'org-2' })).not.toEqual(canonicalAad(context))
    const invalid = withField('org', '')
    for (const _ of [1, 2]) expect(() => canonicalAad(invalid)).toThrow('hasp:org')
    Object.assign(invalid, { org: 'org-1' })
    expect(canonicalAad(invalid)).toEqual(canonicalAad(context))
  })

  it('carries the same fields that a cloud is given', () => {
    expect(contextFields(EXAMPLE_CONTEXT)).toEqual({
      'hasp:org': 'org-1',
      'hasp:record': 'record-1',
      'hasp:purpose': 'credential',
      'hasp:provider': 'openai',
      'hasp:environment': 'production',
      'hasp:kek': 'kek-1',
      'hasp:generation': '7',
    })
  })

  it('still fits into the info that HKDF accepts when every field is as long as it may be', () => {
    const id = 'x'.repeat(64)
    const context = {
      ...EXAMPLE_CONTEXT,
      org: id,
      record: id,
      provider: id,
      kek: id,
      environment: 'ü'.repeat(200),
    }
    expect(canonicalAad({ ...context, generation: Number.MAX_SAFE_INTEGER }).length).toBeLessThan(1000)
  })
})

describe('a context value that two systems could read differently', () => {
  it.each([
    ['an empty one', 'org', ''],
    ['one that is too long', 'org', 'x'.repeat(65)],
    ['one that is too long in UTF-8 only', 'environment', 'ü'.repeat(201)],
    ['a line break', 'environment', 'a\nb'],
    ['a zero byte', 'provider', 'a\u0000'],
    ['a C1 control character', 'provider', 'a\u0085'],
    ['a line separator', 'environment', 'a\u2028'],
    ['a broken surrogate pair', 'environment', 'a\ud800'],
    ['letters that are not in normal form C', 'environment', 'u\u0308'],
    ['generation 0', 'generation', 0],
    ['a fractional generation', 'generation', 1.5],
    ['a generation beyond 2^53', 'generation', 2 ** 53],
  ])('is refused: %s', (_, field, value) => {
    expect(() => canonicalAad(withField(field, value))).toThrow(
      expect.objectContaining({ code: 'invalid_context', message: expect.stringContaining(`hasp:${field}`) }),
    )
  })
})
