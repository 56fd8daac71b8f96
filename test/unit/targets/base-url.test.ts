import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anthropic } from '#providers/anthropic.ts'
import { openai } from '#providers/openai.ts'
import { resolveBaseUrl } from '#targets/base-url.ts'
import { TargetError } from '#targets/target-error.ts'

const allowed = new Set(['https://llm.example.com', 'http://localhost:8080'])

describe('resolving a base URL', () => {
  it.each([
    ['https://api.openai.com/v1', 'https://api.openai.com'],
    ['https://api.openai.com/v1/', 'https://api.openai.com'],
    ['https://llm.example.com/proxy/v1', 'https://llm.example.com/proxy'],
  ])('refuses %s, which would double what Hasp adds, and says that %s is meant', (given, meant) => {
    expect(() => resolveBaseUrl(openai, given, allowed)).toThrow(`give ${meant} instead`)
    expect(() => resolveBaseUrl(openai, `${meant}/v10`, allowed)).not.toThrow()
  })

  it.each([
    [undefined, 'https://api.openai.com'],
    ['https://api.openai.com', 'https://api.openai.com'],
    ['https://api.openai.com/', 'https://api.openai.com'],
    ['HTTPS://API.OPENAI.COM:443//', 'https://api.openai.com'],
    ['https://llm.example.com/proxy/', 'https://llm.example.com/proxy'],
    ['http://localhost:8080/a/../b', 'http://localhost:8080/b'],
  ])('takes %s as %s', (given, resolved) => {
    expect(resolveBaseUrl(openai, given, allowed)).toBe(resolved)
  })

  it.each([
    'https://api.openai.com\\@attacker.example',
    'https:\\\\api.openai.com',
    'https://api.openai.com/a\\..\\b',
    ' https://api.openai.com',
    'https://api.openai.com ',
    'https://api.openai.com/a b',
    'ht\ntps://api.openai.com',
    'https://api.open\tai.com',
    'https://api.openai.com/\r\nx',
    '\0https://api.openai.com',
    'https://api.openai.com/\0',
    'https://api.openai.com\u007f',
    'https://api.openai.com/\u0085',
    'https://api.openai.com/\u2028',
    '\ufeffhttps://api.openai.com',
  ])('refuses %j, which a parser reads as another address than people do, and says why', (given) => {
    expect(() => resolveBaseUrl(openai, given, allowed)).toThrow(
      'holds a control character, white space or a backslash',
    )
  })

  it.each([
    '',
    'api.openai.com',
    '//api.openai.com',
    'http://api.openai.com',
    'https://api.openai.com:8443',
    'https://api.openai.com.',
    'https://api.openai.com.attacker.example',
    'https://attacker.example/api.openai.com',
    'https://api.openai.com@attacker.example',
    'https://user@api.openai.com',
    'https://:secret@api.openai.com',
    'https://api.openai.com?x',
    'https://api.openai.com#x',
    'https://attacker.example\\.api.openai.com',
    'https://llm.example.com:444',
    'http://llm.example.com',
    'http://127.0.0.1:8080',
    'http://[::1]:8080',
    'http://0x7f000001:8080',
    'http://169.254.169.254',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'data:,x',
    'https://api.anthropic.com',
    `https://api.openai.com/${'a'.repeat(2048)}`,
  ])('refuses %j', (given) => {
    expect(() => resolveBaseUrl(openai, given, allowed)).toThrow(TargetError)
  })

  it('gives each provider its own origin alone', () => {
    expect(resolveBaseUrl(anthropic, 'https://api.anthropic.com', new Set())).toBe(
      'https://api.anthropic.com',
    )
    expect(() => resolveBaseUrl(anthropic, 'https://api.openai.com', new Set())).toThrow(TargetError)
  })

  it('lets nothing through whose origin is not allowed, whatever is given', () => {
    const parts = fc.constantFrom(
      'https://',
      'http://',
      'api.openai.com',
      '@',
      '/',
      '\\',
      ':',
      '.',
      '?',
      '#',
      '%2f',
      'evil.example',
      '\t',
      ' ',
    )
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 8 }), (given) => {
        let resolved = 'https://api.openai.com'
        try {
          resolved = resolveBaseUrl(openai, given.join(''), allowed)
        } catch (error) {
          expect(error).toBeInstanceOf(TargetError)
        }
        expect(['https://api.openai.com', ...allowed]).toContain(new URL(resolved).origin)
      }),
      { numRuns: 2_000 },
    )
  })
})
