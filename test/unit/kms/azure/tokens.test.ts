import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AzureDeployment } from '#kms/azure/azure-clients.ts'
import { AzureKekProvider } from '#kms/azure/azure-kek-provider.ts'
import { ownApplication } from '#kms/azure/own-application.ts'
import { KekFault } from '#kms/kek-fault.ts'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ISSUER, startEmulatedCustomer, SUBJECT } from './emulated-customer.ts'

describe('the token of Hasp’s application in a customer’s tenant', () => {
  let customer: Awaited<ReturnType<typeof startEmulatedCustomer>>
  beforeEach(async () => {
    customer = await startEmulatedCustomer()
  })
  afterEach(() => customer[Symbol.asyncDispose]())

  const describeWith = (more: AzureDeployment, tenantId = customer.tenantId) =>
    new AzureKekProvider({ keyId: customer.keyId, tenantId }, customer.clientsOf(more)).describe()

  it('is got by a federated token or by a client secret, from the file as it is now', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'hasp-azure-'))
    const file = join(directory, 'token')
    const { clientId, clientSecret } = customer.own
    const { assertion } = customer.control.issueAssertion({ issuer: ISSUER, subject: SUBJECT })
    await writeFile(file, `${assertion}\n`)
    await describeWith({ application: ownApplication({ clientId, federatedTokenFile: file }) })
    await writeFile(file, clientSecret)
    await describeWith({ application: ownApplication({ clientId, clientSecretFile: file }) })
    await rm(directory, { recursive: true })
    const gone = ownApplication({ clientId, federatedTokenFile: file })
    const fault = await faultOf(describeWith({ application: gone }))
    expect(fault).toMatchObject({ kind: 'ours', code: 'no-credentials' })
    expect(fault.message).not.toContain(directory)
  })

  it('is ours to miss when there is no application', async () => {
    expect(await faultOf(describeWith({ application: undefined }))).toMatchObject({ kind: 'ours' })
  })

  it('is asked for once, however many calls wait for it', async () => {
    const clients = customer.clientsOf()
    const provider = () =>
      new AzureKekProvider({ keyId: customer.keyId, tenantId: customer.tenantId }, clients)
    customer.control.injectFault({
      operation: 'Token',
      times: 1,
      effect: { type: 'entra-error', aadsts: 90033 },
    })
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => provider().describe()))
    // One request met the one fault, and all ten had waited for it.
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(10)
    await provider().describe()
    await clients[Symbol.asyncDispose]()
  })

  it('is asked of the pinned authority alone, whatever the environment says', async () => {
    vi.stubEnv('AZURE_REGIONAL_AUTHORITY_NAME', 'westeurope')
    vi.stubEnv('AZURE_AUTHORITY_HOST', 'https://login.example.com')
    const asked: string[] = []
    const outcome = await describeWith({
      connectTo: (host) => {
        asked.push(host)
        return customer.emulator.connectTo(host)
      },
    }).then(
      () => 'served',
      () => 'refused',
    )
    vi.unstubAllEnvs()
    const hosts = new Set(asked.filter((host) => host !== customer.store.host))
    expect({ outcome, hosts: [...hosts] }).toMatchObject({
      hosts: outcome === 'served' ? ['login.microsoftonline.com'] : [],
    })
  })

  it('is replaced once when the vault refuses it', async () => {
    customer.control.injectFault({
      operation: 'KeyGet',
      effect: { type: 'error', httpStatus: 401, code: 'Unauthorized' },
    })
    expect(await describeWith({})).toMatchObject({ isEnabled: true })
  })

  it('is got anew after Azure’s time passed it by', async () => {
    const provider = new AzureKekProvider(
      { keyId: customer.keyId, tenantId: customer.tenantId },
      customer.clients,
    )
    await provider.describe()
    customer.control.advanceClock({ ms: 2 * 3_600_000 })
    expect(await provider.describe()).toMatchObject({ isEnabled: true })
  })

  it.each(['bytes', 'sdk'] as const)('never goes to a vault of another tenant (%s)', async (transport) => {
    const { control, own, homeTenantId } = customer
    expect(own.clientId).not.toBe('')
    const fault = await faultOf(describeWith({ transport }, homeTenantId))
    expect(fault).toMatchObject({ kind: 'misconfigured' })
    expect(fault.message).toContain('another tenant')
    expect(control.events({ operationName: 'KeyGet' })).toEqual([])
  })

  describe('refused', () => {
    it('is revoked when consent was withdrawn', async () => {
      const { tenantId, own } = customer
      customer.control.withdrawConsent({ tenantId, clientId: own.clientId })
      expect(await faultOf(describeWith({}))).toMatchObject({ kind: 'revoked', code: 'AADSTS700016' })
    })

    it('is revoked when the service principal is disabled, or the tenant gone', async () => {
      const { tenantId, own, control } = customer
      control.setPrincipalEnabled({ tenantId, clientId: own.clientId, isEnabled: false })
      expect(await faultOf(describeWith({}))).toMatchObject({ kind: 'revoked', code: 'AADSTS7000112' })
      control.deleteTenant({ tenantId })
      expect(await faultOf(describeWith({}))).toMatchObject({ kind: 'revoked', code: 'AADSTS90002' })
    })

    it('is ours when our own application is gone or disabled, though Entra says the same', async () => {
      const { own, control } = customer
      control.setApplicationEnabled({ clientId: own.clientId, isEnabled: false })
      expect(await faultOf(describeWith({}))).toMatchObject({ kind: 'ours', code: 'AADSTS7000112' })
      control.deleteApplication({ clientId: own.clientId })
      expect(await faultOf(describeWith({}))).toMatchObject({ kind: 'ours', code: 'AADSTS700016' })
    })

    it('keeps the customer’s answer while the home tenant cannot say', async () => {
      const { tenantId, own, control } = customer
      control.withdrawConsent({ tenantId, clientId: own.clientId })
      control.injectFault({ operation: 'Token', effect: { type: 'entra-error', aadsts: 700016 } })
      control.injectFault({ operation: 'Token', effect: { type: 'page', httpStatus: 502 } })
      expect((await faultOf(describeWith({}))).kind).toBe('revoked')
      control.injectFault({ operation: 'Token', effect: { type: 'entra-error', aadsts: 700016 } })
      control.injectFault({ operation: 'Token', effect: { type: 'reset' } })
      expect((await faultOf(describeWith({}))).kind).toBe('unreachable')
    })

    it.each([
      ['an expired assertion', { lifetimeMs: 0 }, 'AADSTS700024'],
      ['an assertion of another subject', { subject: 'somebody' }, 'AADSTS700213'],
      ['an assertion for another audience', { audience: 'another' }, 'AADSTS700212'],
    ])('is ours with %s', async (_, change, code) => {
      const readAssertion = async () =>
        customer.control.issueAssertion({ issuer: ISSUER, subject: SUBJECT, ...change }).assertion
      const application = { clientId: customer.own.clientId, kind: 'assertion', readAssertion } as const
      expect(await faultOf(describeWith({ application }))).toMatchObject({ kind: 'ours', code })
    })

    it('is ours with a wrong secret, and never shows it', async () => {
      const readSecret = async () => 'wrong-secret-of-ours'
      const application = { clientId: customer.own.clientId, kind: 'secret', readSecret } as const
      const fault = await faultOf(describeWith({ application }))
      expect(fault).toMatchObject({ kind: 'ours', code: 'AADSTS7000215' })
      expect(JSON.stringify(fault) + String(fault.stack)).not.toContain('wrong-secret-of-ours')
      expect(fault.kmsRequestId).toMatch(/^[0-9a-f-]{36}$/)
    })

    it('is unreachable when Entra hangs, resets or answers with a page', async () => {
      for (const effect of [{ type: 'reset' }, { type: 'page', httpStatus: 403 }] as const) {
        customer.control.injectFault({ operation: 'Token', effect })
        expect((await faultOf(describeWith({}))).kind).toBe('unreachable')
      }
      customer.control.injectFault({ operation: 'Token', effect: { type: 'hang' } })
      expect(await faultOf(describeWith({ callTimeoutMs: 500 }))).toMatchObject({ code: 'timeout' })
    })
  })
})

async function faultOf(call: Promise<unknown>): Promise<KekFault> {
  const outcome = await call.then(
    () => 'no fault at all',
    (error: unknown) => error,
  )
  if (outcome instanceof KekFault) return outcome
  throw new Error('It had to fail with a KekFault.', { cause: outcome })
}
