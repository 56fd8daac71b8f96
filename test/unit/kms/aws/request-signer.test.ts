import { hash } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KmsRequestSigner } from '#kms/aws/request-signer.ts'
import { NodeSha256 } from '../../../support/node-sha256.ts'

const at = new Date('2026-03-01T23:59:59Z')
const HOST = 'kms.eu-west-1.amazonaws.com'

type Call = Readonly<{
  target: string
  body: Buffer
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }
  at: Date
  region: string
  host: string
}>

async function signedByAws({ target, body, credentials, at: signingDate, region, host }: Call) {
  const options = { service: 'kms', region, credentials, sha256: NodeSha256, applyChecksum: false }
  const headers = { 'content-type': 'application/x-amz-json-1.1', host, 'x-amz-target': target }
  const request = { method: 'POST', protocol: 'https:', hostname: host, path: '/', headers, body }
  return (await new SignatureV4(options).sign(request, { signingDate })).headers
}

describe('the signer of the hot path', () => {
  const signer = new KmsRequestSigner('eu-west-1', HOST)
  const user = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret-of-the-user' }
  const session = { ...user, accessKeyId: 'ASIAEXAMPLE', sessionToken: 'the/session+token==' }
  const call = (credentials: Call['credentials'], date = at): Call => ({
    target: 'TrentService.Decrypt',
    body: Buffer.from('{"KeyId":"x"}'),
    credentials,
    at: date,
    region: 'eu-west-1',
    host: HOST,
  })
  const sign = (by: KmsRequestSigner, { target, body, credentials, at: date }: Call) =>
    by.sign(target, hash('sha256', body, 'hex'), credentials, date)

  it.each([
    ['a user', user],
    ['a session', session],
  ])('signs for %s exactly as the AWS library does', async (_, credentials) => {
    expect(sign(signer, call(credentials))).toEqual(await signedByAws(call(credentials)))
  })

  it('signs whatever call, for whomever, wherever and whenever, exactly as the AWS library does', async () => {
    const text = (alphabet: string, minLength: number, maxLength: number) =>
      fc.string({ unit: fc.constantFrom(...alphabet.split('')), minLength, maxLength })
    const base64 = 'ABCXYZabcxyz0189+/='
    const calls = fc.record(
      {
        target: text('TrentService.EncryptDecryptGenerate', 1, 40),
        body: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
        credentials: fc.record(
          {
            accessKeyId: text('AKISX0189', 1, 128),
            secretAccessKey: text(base64, 1, 64),
            sessionToken: text(base64, 1, 2000),
          },
          { requiredKeys: ['accessKeyId', 'secretAccessKey'] },
        ),
        at: fc.date({
          min: new Date('2000-01-01'),
          max: new Date('2999-12-31'),
          noInvalidDate: true,
        }),
        region: text('abceux-123', 1, 20),
        host: text('abcz.-:0189', 1, 60),
      },
      { noNullPrototype: true },
    )
    await fc.assert(
      fc.asyncProperty(calls, async (any) => {
        const by = new KmsRequestSigner(any.region, any.host)
        const first = sign(by, any)
        expect(first).toEqual(await signedByAws(any))
        expect(sign(by, any)).toEqual(first)
      }),
      { numRuns: 300 },
    )
  })

  it('derives a new key when the date changes', async () => {
    sign(signer, call(user))
    const nextDay = call(user, new Date('2026-03-02T00:00:00Z'))
    expect(sign(signer, nextDay)).toEqual(await signedByAws(nextDay))
  })
})
