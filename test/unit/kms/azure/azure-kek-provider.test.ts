import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { generateDek } from '#envelope/record-key.ts'
import { AzureClients } from '#kms/azure/azure-clients.ts'
import { AzureKekProvider } from '#kms/azure/azure-kek-provider.ts'
import { KekFault } from '#kms/kek-fault.ts'
import { startEmulatedCustomer } from './emulated-customer.ts'
import { CONTEXT } from '../../../support/record-context.ts'

describe('a KEK in an Azure key vault', () => {
  let customer: Awaited<ReturnType<typeof startEmulatedCustomer>>
  beforeEach(async () => {
    customer = await startEmulatedCustomer()
  })
  afterEach(() => customer[Symbol.asyncDispose]())

  const logged = () => customer.control.events().map(({ operationName }) => operationName)
  const wrapOne = async (provider = customer.provider()) => {
    using dek = generateDek()
    return (await provider.wrap(dek, CONTEXT)).wrappedDek
  }
  const opens = async (provider: AzureKekProvider, wrapped: Awaited<ReturnType<typeof wrapOne>>) => {
    const { dek, ...call } = await provider.unwrap(wrapped, CONTEXT)
    dek[Symbol.dispose]()
    return call
  }

  describe('the requests that go out', () => {
    it('are one KeyWrap and one KeyUnwrap, from the first call on: no challenge, no KeyGet', async () => {
      const provider = customer.provider()
      await opens(provider, await wrapOne(provider))
      expect(logged()).toEqual(['KeyWrap', 'KeyUnwrap'])
    })

    it('are the service’s also through the SDK: never a local wrap, never a KeyGet', async () => {
      const provider = customer.provider(customer.keyId, { transport: 'sdk' })
      const wrapped = await wrapOne(provider)
      await opens(provider, wrapped)
      await opens(provider, wrapped)
      // The SDK's first request in a client is without a token, on purpose.
      expect(logged()).toEqual(['Authentication', 'KeyWrap', 'KeyUnwrap', 'KeyUnwrap'])
    })

    it.each(['bytes', 'sdk'] as const)('leave two ids, of which the log has ours (%s)', async (transport) => {
      const provider = customer.provider(customer.keyId, { transport })
      const { kmsRequestId, serviceRequestId } = await opens(provider, await wrapOne(provider))
      expect(serviceRequestId).toMatch(/^[0-9a-f-]{36}$/)
      expect(serviceRequestId).not.toBe(kmsRequestId)
      const [event] = customer.control.events({ correlationId: kmsRequestId })
      expect(event).toMatchObject({ operationName: 'KeyUnwrap', properties: { id: customer.keyId } })
    })

    it('go by the unwrap’s own id where there is one', async () => {
      const wrapped = await wrapOne()
      const requestReason = randomUUID()
      const { dek, kmsRequestId } = await customer.provider().unwrap(wrapped, CONTEXT, { requestReason })
      dek[Symbol.dispose]()
      expect(kmsRequestId).toBe(requestReason)
      expect(customer.control.events({ correlationId: requestReason })).toHaveLength(1)
    })

    it('heed no proxy of the environment', async () => {
      vi.stubEnv('HTTPS_PROXY', 'http://127.0.0.1:9')
      for (const transport of ['bytes', 'sdk'] as const) {
        const provider = customer.provider(customer.keyId, { transport })
        await opens(provider, await wrapOne(provider))
      }
      vi.unstubAllEnvs()
      expect(logged()).toContain('KeyUnwrap')
    })

    it('go to nobody whose certificate is not vouched for', async () => {
      const clients = new AzureClients({
        application: { clientId: customer.own.clientId, kind: 'secret', readSecret: async () => 'x' },
        connectTo: customer.emulator.connectTo,
      })
      const provider = new AzureKekProvider({ keyId: customer.keyId, tenantId: customer.tenantId }, clients)
      expect(await faultOf(provider.describe())).toMatchObject({
        kind: 'unreachable',
        code: 'connection-failed',
      })
      await clients[Symbol.asyncDispose]()
    })
  })

  describe('the state of the key', () => {
    it.each(['bytes', 'sdk'] as const)(
      'is no revocation when the version expires: it unwraps on, and wraps no more (%s)',
      async (transport) => {
        const provider = customer.provider(customer.keyId, { transport })
        const wrapped = await wrapOne(provider)
        customer.control.setKey({ keyId: customer.keyId, expiresAtMs: Date.now() - 60_000 })
        await opens(provider, wrapped)
        expect(await faultOf(wrapOne(provider))).toMatchObject({ kind: 'misconfigured', code: 'KeyExpired' })
        expect(await provider.describe()).toMatchObject({ isEnabled: true, cloudState: 'Expired' })
      },
    )

    it('is revoked when the version is disabled, though Azure still wraps with it', async () => {
      const provider = customer.provider()
      const wrapped = await wrapOne(provider)
      customer.control.setKey({ keyId: customer.keyId, isEnabled: false })
      expect(await faultOf(provider.unwrap(wrapped, CONTEXT))).toMatchObject({
        kind: 'revoked',
        code: 'KeyDisabled',
      })
      await wrapOne(provider)
      expect(await provider.describe()).toMatchObject({ isEnabled: false, cloudState: 'Disabled' })
    })

    it('says so when it is not valid yet', async () => {
      customer.control.setKey({ keyId: customer.keyId, notBeforeMs: Date.now() + 3_600_000 })
      const provider = customer.provider()
      expect(await faultOf(wrapOne(provider))).toMatchObject({
        kind: 'misconfigured',
        code: 'KeyNotYetValid',
      })
      expect(await provider.describe()).toMatchObject({ cloudState: 'NotYetValid' })
    })

    it('is not told when only reading is denied: that says nothing of wrap and unwrap', async () => {
      const { control, objectId, store } = customer
      control.removeRoleAssignment({ assignmentId: customer.assignmentId })
      const dataActions = ['wrap', 'unwrap'].map((verb) => `Microsoft.KeyVault/vaults/keys/${verb}/action`)
      control.createRole({ name: 'no read', dataActions })
      control.assignRole({ objectId, role: 'no read', store: store.host, keyName: 'kek' })
      const provider = customer.provider()
      await opens(provider, await wrapOne(provider))
      expect(await faultOf(provider.describe())).toMatchObject({
        kind: 'misconfigured',
        code: 'ForbiddenByRbac',
      })
    })
  })

  describe('versions of one key', () => {
    it('unwrap what they wrapped after a newer one is pinned, each by itself', async () => {
      const wrapped = await wrapOne()
      const { keyId: newer } = await customer.control.rotateKey({ keyId: customer.keyId })
      const rotated = customer.provider(newer)
      const wrappedByNewer = await wrapOne(rotated)
      const older = await opens(rotated, wrapped)
      expect(customer.keyId.endsWith(older.materialId)).toBe(true)
      expect(newer.endsWith((await opens(rotated, wrappedByNewer)).materialId)).toBe(true)
      customer.control.setKey({ keyId: customer.keyId, isEnabled: false })
      expect(await faultOf(rotated.unwrap(wrapped, CONTEXT))).toMatchObject({ kind: 'revoked' })
      await opens(rotated, wrappedByNewer)
    })

    it('are told apart from other keys before anything is sent', async () => {
      const wrapped = await wrapOne()
      customer.control.clearEvents()
      const provider = customer.provider()
      for (const kekRef of [
        customer.keyId.replace('/keys/kek/', '/keys/other/'),
        customer.keyId.replace('customer-store', 'another-store'),
        customer.keyId.toUpperCase(),
        'local:1',
      ]) {
        expect((await faultOf(provider.unwrap({ ...wrapped, kekRef }, CONTEXT))).kind).toBe('misconfigured')
      }
      for (const algorithm of ['azure-a256kw', 'aws-symmetric-default'] as const) {
        expect((await faultOf(provider.unwrap({ ...wrapped, algorithm }, CONTEXT))).code).toBe('IncorrectKek')
      }
      expect(logged()).toEqual([])
    })
  })

  describe('a key of the wrong kind', () => {
    it('is a finding that says which it takes, in a Managed HSM', async () => {
      await using hsm = await startEmulatedCustomer('managed-hsm')
      const { keyId } = await hsm.control.createKey({
        store: hsm.store.host,
        name: 'rsa',
        keyType: 'RSA-HSM',
      })
      hsm.grant('rsa')
      const provider = hsm.provider(keyId)
      const fault = await faultOf(provider.describe())
      expect(fault).toMatchObject({ kind: 'misconfigured', code: 'WrongKeyType' })
      expect(fault.message).toContain('oct-HSM')
      expect((await faultOf(wrapOne(provider))).kind).toBe('misconfigured')
    })

    it('is a finding when it may not wrap', async () => {
      customer.control.setKey({ keyId: customer.keyId, operations: ['sign', 'verify'] })
      const fault = await faultOf(customer.provider().describe())
      expect(fault).toMatchObject({ kind: 'misconfigured', code: 'KeyOperationForbidden' })
      expect(fault.message).toContain('wrapKey and unwrapKey')
    })

    it('is not one of 4096 bits', async () => {
      const { keyId } = await customer.control.createKey({
        store: customer.store.host,
        name: 'long',
        bits: 4096,
      })
      customer.grant('long')
      const provider = customer.provider(keyId)
      expect((await opens(provider, await wrapOne(provider))).materialId).toBe(keyId.split('/').at(-1))
    })
  })

  describe('time', () => {
    it.each(['bytes', 'sdk'] as const)('ends a vault that hangs, as unreachable (%s)', async (transport) => {
      const provider = customer.provider(customer.keyId, { transport, callTimeoutMs: 1_000 })
      const wrapped = await wrapOne()
      customer.control.injectFault({ operation: 'KeyUnwrap', effect: { type: 'hang' } })
      const requestReason = randomUUID()
      expect(await faultOf(provider.unwrap(wrapped, CONTEXT, { requestReason }))).toMatchObject({
        kind: 'unreachable',
        code: 'timeout',
        kmsRequestId: requestReason,
      })
    })

    it.each(['bytes', 'sdk'] as const)('ends a caller that gives up (%s)', async (transport) => {
      const provider = customer.provider(customer.keyId, { transport })
      const wrapped = await wrapOne(provider)
      customer.control.injectFault({ operation: 'KeyUnwrap', effect: { type: 'hang' } })
      const signal = AbortSignal.timeout(200)
      expect(await faultOf(provider.unwrap(wrapped, CONTEXT, { signal }))).toMatchObject({
        kind: 'unreachable',
        code: 'aborted',
      })
    })
  })

  describe('a vault whose name does not resolve', () => {
    const lost = async (exists: (host: string) => boolean | undefined) => {
      const provider = customer.provider(customer.keyId, {
        hostNames: { exists: async (host) => exists(host) },
        connectTo: (host) => {
          if (!host.startsWith('login.')) throw Object.assign(new Error('gone'), { code: 'ENOTFOUND' })
          return customer.emulator.connectTo(host)
        },
      })
      return faultOf(provider.describe())
    }

    it('is revoked when the DNS servers know no such name, and do know the authority’s', async () => {
      expect(await lost((host) => host.startsWith('login.'))).toMatchObject({
        kind: 'revoked',
        code: 'VaultGone',
      })
    })

    it.each([
      ['the servers do not answer', () => undefined],
      ['they know no name at all', () => false],
      ['they know it (our own resolver is at fault)', () => true],
    ])('is unreachable when %s', async (_, exists) => {
      expect(await lost(exists)).toMatchObject({ kind: 'unreachable', code: 'host-not-found' })
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
