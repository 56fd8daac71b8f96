import { describe, expect, it } from 'vitest'
import {
  expiresAtOf,
  parseCount,
  parseDurationMs,
  parseExpiry,
  parseList,
  parsePort,
  parseScope,
} from '#cli/parse/options.ts'
import { shellWord, span } from '#cli/output/words.ts'

describe('reading options', () => {
  it.each([
    ['500ms', 500],
    ['60s', 60_000],
    ['5m', 300_000],
    ['12h', 43_200_000],
    ['30d', 2_592_000_000],
    ['0', 0],
  ])('reads the duration %s', (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms)
  })

  it.each(['5', '', '-5s', '5 s', '5w', '1.5h', '9999999999s', 's'])('refuses the duration %j', (text) => {
    expect(() => parseDurationMs(text)).toThrow('duration')
  })

  it('reads an end as a duration from now, a day, or a time with its zone', () => {
    const inTwoDays = Date.parse(parseExpiry('2d') ?? '')
    expect(Math.abs(inTwoDays - Date.now() - 172_800_000)).toBeLessThan(5_000)
    expect(parseExpiry('2999-01-31')).toBe('2999-01-31T23:59:59.000Z')
    expect(parseExpiry('2999-01-31T10:00:00+02:00')).toBe('2999-01-31T08:00:00.000Z')
    expect(['never', '2999-01-31T08:00:00Z', undefined].map(expiresAtOf)).toEqual([
      null,
      '2999-01-31T08:00:00Z',
      undefined,
    ])
    expect(parseExpiry('never')).toBe('never')
  })

  it.each(['2999-01-31T10:00:00', 'tomorrow', '', '2999-13-01'])(
    'refuses %j, which may mean anything',
    (text) => {
      expect(() => parseExpiry(text)).toThrow('It takes')
    },
  )

  it.each(['2001-01-01', '0d'])('refuses an end that has passed: %s', (text) => {
    expect(() => parseExpiry(text)).toThrow('passed')
  })

  it('reads lists, each entry once, and refuses empty ones', () => {
    expect(parseList('a, b,a')).toEqual(['a', 'b'])
    expect(parseScope('all')).toBe('all')
    expect(parseScope('all,x')).toEqual(['all', 'x'])
    expect(() => parseList('a,,b')).toThrow('commas')
  })

  it.each(['0', '-1', '1e3', 'x', '99999999999'])('refuses the count %j', (text) => {
    expect(() => parseCount(text)).toThrow('whole number')
  })

  it.each(['65536', '-1', 'http', ''])('refuses the port %j', (text) => {
    expect(() => parsePort(text)).toThrow('port')
  })
})

describe('words', () => {
  it('writes a name as a shell reads it back', () => {
    expect(shellWord('prod-1')).toBe('prod-1')
    expect(shellWord("it's; rm -rf $HOME")).toBe("'it'\\''s; rm -rf $HOME'")
  })

  it('writes spans in their largest whole unit', () => {
    expect([0, 500, 60_000, 90_000, 120_000].map(span)).toEqual(['0 ms', '500 ms', '1 min', '90 s', '2 min'])
  })
})
