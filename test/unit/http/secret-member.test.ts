import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RequestError } from '#http/request-error.ts'
import { takeSecretMember } from '#http/secret-member.ts'

function take(json: string) {
  const bytes = Buffer.from(json)
  const secret = takeSecretMember(bytes, 'credential')
  return { secret: secret?.unsafeBytes().toString() ?? null, rest: bytes.toString(), length: bytes.length }
}

describe('taking a secret member out of a JSON object', () => {
  it.each([
    ['{"credential":"s3cret"}', { credential: '' }],
    ['{"a":1,"credential" : "s3cret" , "b":[1,{"c":"d"}]}', { a: 1, credential: '', b: [1, { c: 'd' }] }],
    ['{\n"credential"\t:\r\n"s3cret"\n}', { credential: '' }],
    ['{"a":"\\"","credential":"s3cret"}', { a: '"', credential: '' }],
    ['{"a":"\\\\","credential":"s3cret"}', { a: '\\', credential: '' }],
    ['{"a":{"b":"}"},"credential":"s3cret"}', { a: { b: '}' }, credential: '' }],
    ['{"a":"credential","credential":"s3cret"}', { a: 'credential', credential: '' }],
  ])('leaves JSON behind in which it is empty: %s', (json, left) => {
    const { secret, rest, length } = take(json)
    expect(secret).toBe('s3cret')
    expect(rest).not.toContain('s3cret')
    expect(length).toBe(json.length)
    expect(JSON.parse(rest)).toEqual(left)
  })

  it.each([
    '{}',
    '[]',
    'null',
    '',
    '"credential"',
    '["credential","x"]',
    '{"a":"credential"}',
    '{"a":{"credential":"x"}}',
    '{"a":[{"credential":"x"}]}',
    '{"Credential":"x"}',
    '{"credentials":"x"}',
  ])('finds none in %s, and changes nothing', (json) => {
    expect(take(json)).toEqual({ secret: null, rest: json, length: json.length })
  })

  it.each([
    '{"credential":5}',
    '{"credential":null}',
    '{"credential":["s3cret"]}',
    '{"credential":{"a":"s3cret"}}',
    '{"credential":"a","credential":"b"}',
  ])('refuses %s: it must be one string', (json) =>
    expect(() => take(json)).toThrow('"credential" must be one string.'),
  )

  it.each(['{"credential":"\\u0073"}', '{"credential":"a\\nb"}', '{"credential":"a\\"b"}'])(
    'refuses escapes in it: %s',
    (json) => {
      expect(() => take(json)).toThrow('must be plain text')
    },
  )

  it.each(['{"credential":"s3cret', '{"credential":', '{"credential"', '{"credential":"s3cret\\'])(
    'does not run past the end of %s',
    (json) => {
      try {
        take(json)
      } catch (error) {
        expect(error).toBeInstanceOf(RequestError)
      }
      expect(json).toBeDefined()
    },
  )

  it('takes exactly the member that JSON.parse would see, whatever stands around it', () => {
    const noise = fc.dictionary(
      fc.string().filter((name) => name !== 'credential'),
      fc.jsonValue({ maxDepth: 3 }),
      { maxKeys: 4 },
    )
    const plain = fc
      .string({ unit: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)) })
      .filter((text) => !/["\\]/.test(text))
    fc.assert(
      fc.property(noise, noise, plain, (before, after, credential) => {
        const json = JSON.stringify({ ...before, credential, ...after })
        const { secret, rest } = take(json)
        expect(secret).toBe(credential)
        expect(JSON.parse(rest)).toEqual({ ...JSON.parse(json), credential: '' })
      }),
    )
  })
})
