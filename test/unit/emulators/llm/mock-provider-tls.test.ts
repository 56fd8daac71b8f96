import { request } from 'node:https'
import { describe, expect, it } from 'vitest'
import { startMockOpenai } from '#emulators/llm/openai.ts'
import { createSelfSignedCertificate } from '#emulators/llm/self-signed-certificate.ts'

function statusOf(url: string, ca: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const call = request(url, { ca, agent: false }, (answer) => resolve(answer.resume().statusCode))
    call.on('error', reject).end()
  })
}

describe('a mock provider with its own certificate', () => {
  it('is trusted by name and by address by whoever has that certificate', async () => {
    const tls = createSelfSignedCertificate()
    await using provider = await startMockOpenai({ tls })
    expect(await statusOf(`${provider.origin}/v1/models`, tls.cert)).toBe(401)
    const byName = provider.origin.replace('127.0.0.1', 'localhost')
    expect(await statusOf(`${byName}/v1/models`, tls.cert)).toBe(401)
  })

  it('is refused by whoever trusts another', async () => {
    await using provider = await startMockOpenai({ tls: createSelfSignedCertificate() })
    const other = createSelfSignedCertificate().cert
    await expect(statusOf(`${provider.origin}/v1/models`, other)).rejects.toThrow('self-signed certificate')
  })
})
