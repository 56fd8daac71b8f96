import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startMockOpenai } from '#emulators/llm/openai.ts'
import { startAzureSurroundings } from '../support/azure-surroundings.ts'
import { startHasp, type AnyJson } from '../support/running-hasp.ts'

const credential = 'sk-test-azure-5f0c1b7a9d3e4f6081726354'

describe('lending a credential that is sealed under a key in an Azure key vault', () => {
  let world: Awaited<ReturnType<typeof startWorld>>
  beforeAll(async () => {
    world = await startWorld()
  })
  afterAll(() => world[Symbol.asyncDispose]())

  const ask = () =>
    new OpenAI({
      baseURL: `${world.hasp.url}/openai/v1`,
      apiKey: world.virtualKey,
      maxRetries: 0,
    }).chat.completions.create({ model: 'gpt-5', messages: [{ role: 'user', content: 'Hello' }] })

  it('answers the unmodified OpenAI client, and the customer’s log has the unwrap of its receipt', async () => {
    const { data, response } = await ask().withResponse()
    expect(data.choices[0]?.message.content).not.toBe('')
    const { body } = await world.hasp.api('GET', '/ledger?kind=receipt.opened&limit=100')
    const receipt = body.items.find(
      ({ entryId }: { entryId: string }) => entryId === response.headers.get('x-hasp-receipt'),
    )
    const { control } = world.surroundings.emulator
    const [event] = control.events({ correlationId: receipt.details.unwrap.kmsRequestId })
    // The id by which the ledger has the unwrap is the one by which the customer's log has it.
    expect(receipt.details.unwrap.kmsRequestId).toBe(receipt.details.unwrap.unwrapId)
    expect(event).toMatchObject({
      operationName: 'KeyUnwrap',
      resultSignature: 'OK',
      identity: { claim: { appid: world.surroundings.clientId } },
      properties: { id: world.customer.keyId, algorithm: 'RSA-OAEP-256' },
    })
  })

  it('refuses as revoked while the version is disabled, and lends again by itself once it is enabled', async () => {
    const { control } = world.surroundings.emulator
    const { keyId } = world.customer
    control.setKey({ keyId, isEnabled: false })
    await expect(ask()).rejects.toMatchObject({ status: 403, code: 'kek_revoked' })
    expect((await kekNow()).state).toBe('suspended')
    expect((await kekNow()).stateReason).toBe('KeyDisabled')
    control.setKey({ keyId, isEnabled: true })
    await expect.poll(async () => (await kekNow()).state).toBe('active')
    expect((await ask()).choices[0]?.message.content).not.toBe('')
  })

  it('lends on when the version expires: an expiry is no revocation', async () => {
    const { control } = world.surroundings.emulator
    const { keyId } = world.customer
    control.setKey({ keyId, expiresAtMs: Date.now() - 60_000 })
    expect((await ask()).choices[0]?.message.content).not.toBe('')
    control.setKey({ keyId, expiresAtMs: null })
  })

  it('answers an outage with 503 and keeps the KEK active', async () => {
    const { control } = world.surroundings.emulator
    control.injectFault({
      operation: 'KeyUnwrap',
      times: 2,
      effect: { type: 'error', httpStatus: 503, code: 'ServiceUnavailable' },
    })
    await expect(ask()).rejects.toMatchObject({ status: 503, code: 'kek_unreachable' })
    expect((await kekNow()).state).toBe('active')
    expect((await ask()).choices[0]?.message.content).not.toBe('')
  })

  it.each([
    ['without a version', { keyId: 'https://contoso.vault.azure.net/keys/kek' }, 'version at its end'],
    ['of another host', { keyId: `https://evil.example/keys/kek/${'0'.repeat(32)}` }, 'vault.azure.net'],
    ['of another cloud', { keyId: `https://contoso.vault.azure.cn/keys/kek/${'0'.repeat(32)}` }, 'china'],
    ['that is missing', { keyId: undefined }, 'Give keyId'],
    ['without its tenant', { tenantId: undefined }, 'Give tenantId'],
    ['with a domain for a tenant', { tenantId: 'contoso.onmicrosoft.com' }, 'az account show'],
  ])('refuses to register a key %s, and says what to give', async (_, change, advice) => {
    const { keyId, tenantId } = world.customer
    const given = { name: 'another', provider: 'azure', keyId, tenantId, ...change }
    const { status, body } = await world.hasp.api('POST', '/keks', given)
    expect(status).toBe(422)
    expect(body.detail).toContain(advice)
  })

  const kekNow = async (): Promise<AnyJson> => (await world.hasp.api('GET', `/keks/${world.kekId}`)).body
})

async function startWorld() {
  await using stack = new AsyncDisposableStack()
  const surroundings = stack.use(await startAzureSurroundings())
  const openai = stack.use(await startMockOpenai({ acceptedCredentials: [credential] }))
  const hasp = stack.use(
    await startHasp(
      { HASP_ALLOWED_UPSTREAMS: openai.origin, HASP_SUSPENDED_PROBE_INTERVAL_MS: '100' },
      { azure: surroundings.azure },
    ),
  )
  const customer = await surroundings.makeCustomer()
  const { keyId, tenantId } = customer
  const made = async (path: string, body: unknown): Promise<AnyJson> => {
    const reply = await hasp.api('POST', path, body)
    if (reply.status !== 201) throw new Error(JSON.stringify(reply.body))
    return reply.body
  }
  const kek = await made('/keks', { name: 'azure', provider: 'azure', keyId, tenantId })
  surroundings.proveOwnership(keyId, kek.id)
  const { body } = await hasp.api('POST', `/keks/${kek.id}/verify`)
  if (body?.isPassed !== true) throw new Error(JSON.stringify(body))
  await made('/api-targets', {
    name: 'openai',
    provider: 'openai',
    baseUrl: openai.origin,
    kekId: kek.id,
    credential,
  })
  const issued = await made('/virtual-keys', { name: 'agent', targetIds: 'all' })
  const owned = stack.move()
  return {
    surroundings,
    hasp,
    customer,
    kekId: kek.id,
    virtualKey: issued.token,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
