import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startMockOpenai } from '#emulators/llm/openai.ts'
import { startGoogleCustomers, type GoogleCustomers } from '../support/google-customer.ts'
import { openaiCredential } from '../support/lending-hasp.ts'
import { startHasp, type AnyJson, type RunningHasp } from '../support/running-hasp.ts'

describe('lending a credential that is sealed under a key in Google Cloud KMS', () => {
  const stack = new AsyncDisposableStack()
  let google: GoogleCustomers
  let hasp: RunningHasp
  let kek: AnyJson
  let virtualKey: string
  beforeAll(async () => {
    google = stack.use(await startGoogleCustomers())
    const openai = stack.use(await startMockOpenai({ acceptedCredentials: [openaiCredential] }))
    hasp = stack.use(
      await startHasp({
        ...google.env,
        HASP_ALLOWED_UPSTREAMS: openai.origin,
        HASP_SUSPENDED_PROBE_INTERVAL_MS: '100',
      }),
    )
    kek = await google.registerKek(async (access) => made(await hasp.api('POST', '/keks', access)))
    const { body } = await hasp.api('POST', `/keks/${kek.id}/verify`)
    expect(body.checks.filter((check: { isPassed: boolean }) => !check.isPassed)).toEqual([])
    made(
      await hasp.api('POST', '/api-targets', {
        name: 'openai',
        provider: 'openai',
        baseUrl: openai.origin,
        kekId: kek.id,
        credential: openaiCredential,
      }),
    )
    const issued = made(await hasp.api('POST', '/virtual-keys', { name: 'agent', targetIds: 'all' }))
    virtualKey = issued.token
  })
  afterAll(() => stack.disposeAsync())

  const ask = () =>
    new OpenAI({ baseURL: `${hasp.url}/openai/v1`, apiKey: virtualKey, maxRetries: 0 }).chat.completions
      .create({ model: 'gpt-5', messages: [{ role: 'user', content: 'Hello' }] })
      .withResponse()

  it('answers the OpenAI client, and the customer’s log has the unwrap under the receipt’s own id', async () => {
    const { data, response } = await ask()
    expect(data.choices[0]?.message.content).not.toBe('')
    const receiptId = response.headers.get('x-hasp-receipt')
    const { body } = await hasp.api('GET', '/ledger?kind=receipt.opened&limit=100')
    const { unwrap } = body.items.find((entry: AnyJson) => entry.entryId === receiptId).details
    expect(unwrap.kmsRequestId).toBe(unwrap.unwrapId)
    expect(unwrap.materialId).toBe('1')
    const [entry, ...more] = google.emulator.control.entries({ reason: unwrap.kmsRequestId })
    expect(more).toEqual([])
    expect(entry?.protoPayload).toMatchObject({ methodName: 'Decrypt', resourceName: kek.kekRef, status: {} })
    expect(entry?.protoPayload.authenticationInfo['principalSubject']).toMatch(
      /^principal:\/\/iam\.googleapis/,
    )
  })

  it('refuses with kek_revoked once the version is disabled, and resumes once it is enabled', async () => {
    const { control } = google.emulator
    control.setVersionState({ keyName: kek.kekRef, state: 'DISABLED' })
    await expect(ask()).rejects.toMatchObject({ status: 403, code: 'kek_revoked' })
    expect((await hasp.api('GET', `/keks/${kek.id}`)).body).toMatchObject({
      state: 'suspended',
      stateReason: 'KEY_DISABLED',
    })
    control.setVersionState({ keyName: kek.kekRef, state: 'ENABLED' })
    await expect.poll(async () => (await hasp.api('GET', `/keks/${kek.id}`)).body.state).toBe('active')
    expect((await ask()).data.choices).toHaveLength(1)
  })

  it('goes on lending after a rotation, which leaves what was sealed before under its version', async () => {
    google.emulator.control.rotateKey({ keyName: kek.kekRef })
    expect((await ask()).data.choices).toHaveLength(1)
  })

  it('refuses with kek_revoked once the customer’s identity provider lets Hasp in no more', async () => {
    const { control } = google.emulator
    control.setIdentityProviderDisabled({ name: kek.access.identityProvider, isDisabled: true })
    control.revokeTokens()
    await expect(ask()).rejects.toMatchObject({ status: 403, code: 'kek_revoked' })
    control.setIdentityProviderDisabled({ name: kek.access.identityProvider, isDisabled: false })
    await expect.poll(async () => (await hasp.api('GET', `/keks/${kek.id}`)).body.state).toBe('active')
    expect((await ask()).data.choices).toHaveLength(1)
  })

  it.each([
    [{ keyName: undefined }, /Give keyName/],
    [
      { keyName: 'projects/p/locations/global/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1' },
      /not of a version/,
    ],
    [{ keyName: 'projects/123456789012/locations/global/keyRings/r/cryptoKeys/k' }, /not its number/],
    [{ identityProvider: 'https://idp.example.com' }, /full name of the provider/],
  ])('refuses to register %j, saying what to change', async (change, message) => {
    const good = { name: 'other', provider: 'gcp', keyName: kek.kekRef.replace(/kek$/, 'other') }
    const { body, status } = await hasp.api('POST', '/keks', { ...good, ...change })
    expect([status, body.code]).toEqual([422, 'kek_misconfigured'])
    expect(body.detail).toMatch(message)
  })
})

function made({ body, status }: { body: AnyJson; status: number }): AnyJson {
  if (status !== 201) throw new Error(JSON.stringify(body))
  return body
}
