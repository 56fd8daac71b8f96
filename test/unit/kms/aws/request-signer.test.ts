import { SignatureV4 } from '@smithy/signature-v4'
import { describe, expect, it } from 'vitest'
import { NodeSha256 } from '#kms/aws/node-sha256.ts'
import { KmsRequestSigner } from '#kms/aws/request-signer.ts'

const body = Buffer.from('{"KeyId":"x"}')
const at = new Date('2026-03-01T23:59:59Z')
const HOST = 'kms.eu-west-1.amazonaws.com'

async function signedByAws(
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string },
  date: Date,
) {
  const signer = new SignatureV4({
    service: 'kms',
    region: 'eu-west-1',
    credentials,
    sha256: NodeSha256,
    applyChecksum: false,
  })
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    host: HOST,
    'x-amz-target': 'TrentService.Decrypt',
  }
  const request = { method: 'POST', protocol: 'https:', hostname: HOST, path: '/', headers, body }
  return (await signer.sign(request, { signingDate: date })).headers
}

describe('the signer of the hot path', () => {
  const signer = new KmsRequestSigner('eu-west-1', HOST)
  const user = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret-of-the-user' }
  const session = { ...user, accessKeyId: 'ASIAEXAMPLE', sessionToken: 'the/session+token==' }

  it.each([
    ['a user', user],
    ['a session', session],
  ])('signs for %s exactly as the AWS library does', async (_, credentials) => {
    const signed = await signer.sign('TrentService.Decrypt', body, credentials, at)
    expect(signed).toEqual(await signedByAws(credentials, at))
  })

  it('derives a new key when the date changes', async () => {
    await signer.sign('TrentService.Decrypt', body, user, at)
    const nextDay = new Date('2026-03-02T00:00:00Z')
    const signed = await signer.sign('TrentService.Decrypt', body, user, nextDay)
    expect(signed).toEqual(await signedByAws(user, nextDay))
  })
})
