import { assert, property, uint8Array } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SecretBytes } from '#envelope/secret-bytes.ts'
import { secretRequest } from '#kms/azure/secret-request.ts'
import { takeSecretMember } from '#kms/secret-member.ts'

describe('writing a wrap request without a string of the secret', () => {
  it('writes the JSON that a serialiser would, for every length', () => {
    assert(
      property(uint8Array({ minLength: 1, maxLength: 100 }), (bytes) => {
        using secret = SecretBytes.take(Uint8Array.from(bytes))
        const body = secretRequest('RSA-OAEP-256', secret)
        const value = Buffer.from(bytes).toString('base64url')
        expect(JSON.parse(body.toString('utf8'))).toEqual({ alg: 'RSA-OAEP-256', value })
      }),
    )
  })

  it('is read back by the reader of secrets, and only in its own variant', () => {
    assert(
      property(uint8Array({ minLength: 1, maxLength: 100 }), (bytes) => {
        using secret = SecretBytes.take(Uint8Array.from(bytes))
        const taken = takeSecretMember(secretRequest('A256KW', secret), 'value', 'base64url')
        expect(taken?.secret.unsafeBytes()).toEqual(Buffer.from(bytes))
        expect(JSON.parse(taken?.rest ?? '')).toEqual({ alg: 'A256KW', value: '' })
      }),
    )
  })

  it.each(['AAAA=', 'AA==', 'A', 'AB', 'A+/A', 'AA A'])('does not read %s as base64url', (value) => {
    expect(takeSecretMember(Buffer.from(`{"value":"${value}"}`), 'value', 'base64url')).toBeUndefined()
  })
})
