import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startMockOpenai } from '#emulators/llm/openai.ts'
import { startAzureSurroundings } from '../support/azure-surroundings.ts'
import { listenForServiceRequestIds } from '../support/azure-wire-ids.ts'
import { runCli, Seen } from '../support/run-cli.ts'
import { startHasp, type AnyJson } from '../support/running-hasp.ts'

const credential = 'sk-test-azure-5f0c1b7a9d3e4f6081726354'

describe('lending a credential that is sealed under a key in an Azure key vault', () => {
  let world: Awaited<ReturnType<typeof startWorld>>
  /** From the first request on. */
  const wire = listenForServiceRequestIds()
  beforeAll(async () => {
    world = await startWorld()
  })
  afterAll(async () => {
    wire[Symbol.dispose]()
    await world[Symbol.asyncDispose]()
  })

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

  it('names in its receipt both ids of the unwrap: the one of the log, and the one that Azure answered with', async () => {
    const { response } = await ask().withResponse()
    const receiptId = response.headers.get('x-hasp-receipt') ?? ''
    const { unwrap } = (await world.hasp.api('GET', `/receipts?receiptId=${receiptId}`)).body.items[0]
    const { control } = world.surroundings.emulator
    expect(control.events({ correlationId: unwrap.kmsRequestId })).toMatchObject([
      { operationName: 'KeyUnwrap', properties: { id: world.customer.keyId } },
    ])
    expect(wire.of(unwrap.kmsRequestId)).toEqual([unwrap.serviceRequestId])
    const [entry] = (await world.hasp.api('GET', '/ledger?kind=receipt.opened&limit=1')).body.items
    expect(entry).toMatchObject({ entryId: receiptId, details: { unwrap } })

    const environment = { HASP_URL: world.hasp.url, HASP_TOKEN: world.hasp.token }
    const { stdout } = await runCli(new Seen(), ['receipts', '--limit', '1'], environment)
    expect(stdout).toMatch(/^TIME .* KMS REQUEST .* SERVICE REQUEST$/m)
    expect(stdout).toContain(unwrap.kmsRequestId)
    expect(stdout).toContain(unwrap.serviceRequestId)
  })

  it('keeps both ids of a wrap, of a canary’s unwrap and of a refusal too', async () => {
    const { control } = world.surroundings.emulator
    const target = { name: 'second', provider: 'openai', kekId: world.kekId, credential }
    const stored = await world.hasp.api('POST', '/api-targets', { ...target, baseUrl: world.openaiUrl })
    expect(stored.status).toBe(201)
    expect((await world.hasp.api('POST', `/api-targets/${stored.body.id}/test`)).status).toBe(200)
    expect((await world.hasp.api('POST', `/keks/${world.kekId}/verify`)).status).toBe(200)
    control.injectFault({
      operation: 'KeyUnwrap',
      times: 1,
      effect: { type: 'error', httpStatus: 403, code: 'Forbidden', innerCode: 'ForbiddenByFirewall' },
    })
    await expect(ask()).rejects.toMatchObject({ code: 'kek_misconfigured' })

    for (const [kind, operationName, code] of [
      ['target.stored', 'KeyWrap', undefined],
      ['target.tested', 'KeyUnwrap', undefined],
      ['unwrap.completed', 'KeyUnwrap', undefined],
      ['unwrap.refused', 'KeyUnwrap', 'ForbiddenByFirewall'],
      // Of the search for rights that Hasp should not have.
      ['unwrap.refused', 'KeyUnwrap', 'ForbiddenByRbac'],
    ] as const) {
      const found = async (): Promise<AnyJson> => {
        const { items } = (await world.hasp.api('GET', `/ledger?kind=${kind}&limit=100`)).body
        return items.find(({ details }: AnyJson) => details.code === code)?.details ?? {}
      }
      await expect
        .poll(async () => (await found()).kmsRequestId, { message: `${kind} ${code}` })
        .toBeDefined()
      const { kmsRequestId, serviceRequestId } = await found()
      expect(wire.of(kmsRequestId), `${kind} ${code}`).toEqual([serviceRequestId])
      expect(control.events({ correlationId: kmsRequestId })).toMatchObject([{ operationName }])
    }
  })

  it('keeps both ids of the wrap by which a lifecycle job sealed a credential anew', async () => {
    const { items } = (await world.hasp.api('GET', '/api-targets')).body
    const job = { kind: 're-encrypt', targetId: items[0].id }
    expect((await world.hasp.api('POST', '/lifecycle-jobs', job)).status).toBe(201)
    const sealed = async () =>
      (await world.hasp.api('GET', '/ledger?kind=target.re-encrypted&limit=1')).body.items[0]
    await expect.poll(sealed, { timeout: 15_000 }).toBeDefined()
    const [version] = (await sealed()).details.versions
    expect(wire.of(version.wrapKmsRequestId)).toEqual([version.wrapServiceRequestId])
  })

  it('keeps both ids of each call of a verification, and knows an event of the log by either', async () => {
    const verified = await world.hasp.api('POST', `/keks/${world.kekId}/verify`)
    const calls = [...verified.body.checks, ...verified.body.probes].filter(
      ({ kmsRequestId }: AnyJson) => kmsRequestId !== null,
    )
    expect(calls.length).toBeGreaterThan(10)
    for (const { name, action, kmsRequestId, serviceRequestId } of calls)
      expect([name ?? action, wire.of(kmsRequestId)]).toEqual([name ?? action, [serviceRequestId]])
    const [entry] = (await world.hasp.api('GET', '/ledger?kind=kek.verified&limit=1')).body.items
    const inLedger = [...entry.details.checks, ...entry.details.probes]
    for (const { kmsRequestId, serviceRequestId } of calls)
      expect(inLedger).toContainEqual(expect.objectContaining({ kmsRequestId, serviceRequestId }))

    const link = (await world.hasp.api('POST', `/keks/${world.kekId}/onboarding-links`, {})).body
    const [event] = world.surroundings.emulator.control.events({ correlationId: calls[0].kmsRequestId })
    for (const correlationId of [calls[0].kmsRequestId, calls[0].serviceRequestId]) {
      const body = new URLSearchParams({ event: JSON.stringify({ ...event, correlationId }) })
      const reply = await fetch(`${world.hasp.url}${link.path}/log-event`, { method: 'POST', body })
      expect([reply.status, await reply.text()]).toEqual([
        200,
        expect.stringContaining('your log records what Hasp does'),
      ])
    }
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
  // Without a probe, which would take the faults that are meant for a request.
  const rules = { probeIntervalMs: 0 }
  const kek = await made('/keks', { name: 'azure', provider: 'azure', keyId, tenantId, ...rules })
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
    openaiUrl: openai.origin,
    virtualKey: issued.token,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
