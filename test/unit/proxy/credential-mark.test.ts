import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CredentialMark } from '#proxy/credential-mark.ts'

const credential = 'sk-proj-5f0c1b7a9d3e4f6081726354'

function markOf(text: string): CredentialMark {
  const mark = new CredentialMark()
  const bytes = Buffer.from(`before ${text} after`)
  mark.note(bytes, 7, text.length)
  return mark
}

function masked(text: string, of = credential): string {
  const bytes = Buffer.from(text)
  markOf(of).maskIn(bytes)
  return bytes.toString()
}

describe('a credential in a text', () => {
  it.each([
    ['between quotes', (it: string) => `{"error":"key '${it}' is wrong"}`],
    ['behind its scheme', (it: string) => `Authorization: Bearer ${it}`],
    ['at the very start and end', (it: string) => it],
    ['several times', (it: string) => `${it},${it} and ${it}`],
    ['within a URL', (it: string) => `/v1/x?key=${it}#top`],
  ])('is masked %s, and every other byte stays', (_, around) => {
    const seen = masked(around(credential))
    expect(seen).toHaveLength(around(credential).length)
    expect(seen.replace('#top', '').replaceAll('*', '')).toBe(around('').replace('#top', ''))
  })

  it('is masked where it was cut short', () => {
    expect(masked(`Incorrect API key: ${credential.slice(0, 24)}…`)).toBe(
      `Incorrect API key: ${'*'.repeat(24)}…`,
    )
  })

  it('is masked to its end where less than its beginning is marked', () => {
    const long = randomBytes(100).toString('base64url')
    expect(masked(`(${long})`, long)).toBe(`(${'*'.repeat(long.length)})`)
  })

  it('stays as the provider itself masked it', () => {
    const text = '{"message":"Incorrect API key provided: sk-proj-****************6354."}'
    expect(masked(text)).toBe(text)
  })

  it('is the only thing that is masked: another credential, an id and a text stay', () => {
    const text = `sk-proj-${'a'.repeat(40)} req_011CSHoEeqs5C35K2UUqR7Fy chatcmpl-9x8y7z ${'x'.repeat(1000)}`
    expect(masked(text)).toBe(text)
  })

  it('is masked also where it is shorter than a mark', () => {
    expect(masked('key abcdefgh!', 'abcdefgh')).toBe('key *********')
  })

  it('is never left in any text, and no text loses its length', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), fc.string({ maxLength: 80 }), (before, after) => {
        const seen = masked(before + credential + after)
        expect(seen).not.toContain(credential.slice(0, 20))
        expect(Buffer.byteLength(seen)).toBe(Buffer.byteLength(before + credential + after))
      }),
    )
  })

  it('is not looked for before one was lent', () => {
    const bytes = Buffer.from('\0\0\0\0')
    new CredentialMark().maskIn(bytes)
    expect(bytes).toEqual(Buffer.from('\0\0\0\0'))
  })
})
