import { randomBytes } from 'node:crypto'
import { assert, property, uint8Array } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { takeSecretMember } from '#kms/secret-member.ts'

const takePlaintext = (reply: Buffer) => takeSecretMember(reply, 'Plaintext', 'base64')

const replyWith = (plaintext: string) =>
  Buffer.from(`{"EncryptionAlgorithm":"SYMMETRIC_DEFAULT","KeyId":"arn:ü","Plaintext":"${plaintext}","Z":1}`)

describe('taking a secret out of a reply', () => {
  it('yields the same bytes as a JSON parser and a base64 decoder would, and a rest without them', () => {
    assert(
      property(uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
        const base64 = Buffer.from(bytes).toString('base64')
        const taken = takePlaintext(replyWith(base64))
        expect(taken?.secret.unsafeBytes()).toEqual(Buffer.from(bytes))
        expect(JSON.parse(taken?.rest ?? '')).toEqual({
          EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
          KeyId: 'arn:ü',
          Plaintext: '',
          Z: 1,
        })
      }),
    )
  })

  it('reads the member wherever it stands and however it is spaced', () => {
    const dek = randomBytes(32)
    const base64 = dek.toString('base64')
    for (const reply of [`{"Plaintext":"${base64}"}`, `{ "Plaintext" \n:\t "${base64}" , "KeyId":"x"}`]) {
      expect(takePlaintext(Buffer.from(reply))?.secret.unsafeBytes()).toEqual(dek)
    }
  })

  it.each([
    ['no such member', '{"KeyId":"x"}'],
    ['an empty value', '{"Plaintext":""}'],
    ['null', '{"Plaintext":null}'],
    ['two of them', '{"Plaintext":"AAAA","Plaintext":"BBBB"}'],
    ['no end', '{"Plaintext":"AAAA'],
    ['bad characters', '{"Plaintext":"AA!A"}'],
    ['base64url', '{"Plaintext":"A-_A"}'],
    ['an escape', '{"Plaintext":"AAA\\u003d"}'],
    ['a length that is no multiple of four', '{"Plaintext":"AAAAA"}'],
    ['padding within', '{"Plaintext":"A=AA"}'],
    ['only padding', '{"Plaintext":"===="}'],
    ['stray bits after the end', '{"Plaintext":"AB=="}'],
    ['more than any DEK', `{"Plaintext":"${'A'.repeat(8000)}"}`],
    ['the name as a value', '{"KeyId":"Plaintext"}'],
    ['nothing', ''],
  ])('finds nothing in a reply with %s', (_, reply) => {
    expect(takePlaintext(Buffer.from(reply))).toBeUndefined()
  })

  it('leaves a rest that fails to parse when the name was cut out of another value', () => {
    const taken = takePlaintext(Buffer.from('{"KeyId":"\\"Plaintext":"AAAA"}'))
    const parse = () => (taken === undefined ? { Plaintext: 'absent' } : JSON.parse(taken.rest))
    expect(parse).toThrow(SyntaxError)
  })
})
