import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { generateDek } from '#envelope/record-key.ts'
import { requireDecrypted, requireEncrypted } from '#kms/gcp/check-reply.ts'
import { crc32c } from '#kms/gcp/crc32c.ts'
import type { GcpDeployment } from '#kms/gcp/gcp-clients.ts'
import { GcpKekProvider } from '#kms/gcp/gcp-kek-provider.ts'
import { GuardedKekProvider } from '#kms/guarded-kek-provider.ts'
import { KekFault } from '#kms/kek-fault.ts'
import { AUDIENCE, type EmulatedCustomer, startEmulatedCustomer } from './emulated-customer.ts'
import { CONTEXT } from '../../../support/record-context.ts'

describe('a KEK in Google Cloud KMS', () => {
  let customer: EmulatedCustomer
  beforeEach(async () => {
    customer = await startEmulatedCustomer()
    customer.control.logDataAccess({ projectId: 'customer-one' })
  })
  afterEach(() => customer[Symbol.asyncDispose]())

  const wrap = async (provider: GcpKekProvider) => {
    using dek = generateDek()
    return await provider.wrap(dek, CONTEXT)
  }
  const fail = async (provider: GcpKekProvider) => faultOf(wrap(provider))
  const reached = (more: GcpDeployment) =>
    new GcpKekProvider(customer.kekOf('service-account'), customer.clientsOf(more))

  it('gives each call the reason that its caller asks for, and that the customer’s log has', async () => {
    const provider = customer.provider('federated')
    using dek = generateDek()
    const wrapped = await provider.wrap(dek, CONTEXT, { requestReason: 'wrap-1' })
    const unwrapped = await provider.unwrap(wrapped.wrappedDek, CONTEXT, { requestReason: 'unwrap-1' })
    using _ = unwrapped.dek
    expect([wrapped.kmsRequestId, unwrapped.kmsRequestId]).toEqual(['wrap-1', 'unwrap-1'])
    const names = ['wrap-1', 'unwrap-1'].map((reason) =>
      customer.control.entries({ reason }).map(({ protoPayload }) => protoPayload.methodName),
    )
    expect(names).toEqual([['Encrypt'], ['Decrypt']])
  })

  it('tells which version wrapped, before and after a rotation', async () => {
    const provider = customer.provider('service-account')
    const before = await wrap(provider)
    customer.control.rotateKey({ keyName: customer.keyName })
    const after = await wrap(provider)
    expect([before.materialId, after.materialId]).toEqual(['1', '2'])
    for (const { materialId, wrappedDek } of [before, after]) {
      const unwrapped = await provider.unwrap(wrappedDek, CONTEXT)
      unwrapped.dek[Symbol.dispose]()
      expect(unwrapped.materialId).toBe(materialId)
    }
  })

  it('needs no right but to encrypt and decrypt, also to describe the key', async () => {
    const hsm = customer.createKey('hsm', { protectionLevel: 'HSM' })
    expect(await customer.provider('federated', hsm).describe()).toMatchObject({
      isEnabled: true,
      cloudState: 'ENABLED',
      protection: 'hsm',
      materialId: '1',
    })
    const methods = customer.control.entries().map(({ protoPayload }) => protoPayload.methodName)
    expect(new Set(methods)).toEqual(new Set(['Encrypt', 'Decrypt']))
  })

  it('refuses an answer of Encrypt that names another key', async () => {
    customer.control.injectFault({ operation: 'Encrypt', effect: { type: 'wrong-key' } })
    expect(await fail(customer.provider('service-account'))).toMatchObject({
      kind: 'tampered',
      code: 'WrongKeyInReply',
    })
  })

  it('asks for a fresh token, once, where Google refuses the one it has', async () => {
    const provider = customer.provider('federated')
    await wrap(provider)
    customer.control.revokeTokens()
    expect((await wrap(provider)).materialId).toBe('1')
  })

  it('logs in once for however many calls come at a time', async () => {
    customer.control.setLatency({ operation: 'ExchangeToken', latencyMs: 100 })
    customer.control.injectFault({
      operation: 'ExchangeToken',
      times: 1,
      effect: { type: 'error', code: 'UNAVAILABLE' },
    })
    const provider = customer.provider('federated')
    const together = await Promise.allSettled(Array.from({ length: 20 }, () => wrap(provider)))
    // The one exchange that they all waited for failed; a second one would have succeeded.
    expect(together.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 'rejected'))
    await wrap(provider)
  })

  it('ends a call that is not answered, in its own time', async () => {
    const provider = reached({ callTimeoutMs: 300 })
    await wrap(provider)
    customer.control.injectFault({ operation: 'Encrypt', effect: { type: 'hang' } })
    const startedAtMs = performance.now()
    expect(await fail(provider)).toMatchObject({ kind: 'unreachable', code: 'timeout' })
    expect(performance.now() - startedAtMs).toBeLessThan(2_000)
  })

  it('ends a call when its caller gives up', async () => {
    const provider = customer.provider('service-account')
    await wrap(provider)
    customer.control.injectFault({ operation: 'Encrypt', effect: { type: 'hang' } })
    using dek = generateDek()
    const fault = await faultOf(provider.wrap(dek, CONTEXT, { signal: AbortSignal.timeout(100) }))
    expect(fault).toMatchObject({ kind: 'unreachable', code: 'aborted' })
  })

  it.each(['damaged-request', 'damaged-reply', 'malformed-body', 'reset'] as const)(
    'tries once more what came to grief by a %s, under the same reason',
    async (type) => {
      const provider = new GuardedKekProvider(customer.provider('federated'))
      using dek = generateDek()
      const { wrappedDek } = await provider.wrap(dek, CONTEXT)
      customer.control.injectFault({ operation: 'Decrypt', effect: { type } })
      const unwrapped = await provider.unwrap(wrappedDek, CONTEXT, { requestReason: 'once-1' })
      using opened = unwrapped.dek
      expect(opened.equals(dek)).toBe(true)
      expect(unwrapped.kmsRequestId).toBe('once-1')
      // What was lost on its way in left nothing.
      expect(customer.control.entries({ reason: 'once-1' })).toHaveLength(type === 'reset' ? 1 : 2)
    },
  )

  it('does not use the key of a customer whose provider allows another audience', async () => {
    const { keyName, identityProvider } = customer
    const provider = new GcpKekProvider(
      { keyName, federation: { identityProvider, audience: `${AUDIENCE}0` } },
      customer.clients,
    )
    expect(await fail(provider)).toMatchObject({ kind: 'revoked', code: 'invalid_grant' })
  })

  it('reads an external key manager’s failure as what it is', async () => {
    const provider = customer.provider('service-account')
    const text = 'Could not reach the external key manager.'
    const violations = [{ type: 'KEY_STATE' }, { type: 'EXTERNAL_UNAVAILABLE', description: text }]
    customer.control.injectFault({
      operation: 'Encrypt',
      effect: { type: 'error', code: 'FAILED_PRECONDITION', message: text, violations },
    })
    expect(await fail(provider)).toMatchObject({ kind: 'unreachable', code: 'EXTERNAL_UNREACHABLE' })
  })

  it('passes on how long Google asks to wait', async () => {
    customer.control.injectFault({
      operation: 'Encrypt',
      effect: { type: 'error', code: 'RESOURCE_EXHAUSTED', retryDelayMs: 1500 },
    })
    expect(await fail(customer.provider('service-account'))).toMatchObject({
      kind: 'throttled',
      retryAfterMs: 1500,
    })
  })

  it.each([
    ['a file that is missing', async () => '/nonexistent/credentials.json'],
    ['a file of another kind of credential', async () => writeBeside('{"type":"external_account"}')],
    ['a file that is no JSON', async () => writeBeside('{')],
  ])('says that its own identity is at fault with %s', async (_, credentialsFile) => {
    const fault = await fail(reached({ credentialsFile: await credentialsFile() }))
    expect(fault).toMatchObject({ kind: 'ours', code: 'no-credentials' })
  })

  const writeBeside = async (content: string) => {
    const path = join(customer.credentialsFile, '..', 'other.json')
    await writeFile(path, content)
    return path
  }

  it('says that its own identity is at fault with a clock that is off, an account deleted, a CA that is missing', async () => {
    customer.control.setTokenSkew({ ms: 7_200_000 })
    expect((await fail(reached({}))).kind).toBe('ours')
    customer.control.setTokenSkew({ ms: 0 })
    expect(await fail(reached({ caFile: '/nonexistent/ca.pem' }))).toMatchObject({
      kind: 'ours',
      code: 'ca-unreadable',
    })
    customer.control.deleteServiceAccount({ email: customer.own.email })
    expect((await fail(reached({}))).kind).toBe('ours')
  })

  it('trusts no server but one of the given authorities', async () => {
    const { caFile: _, ...untrusting } = customer.reach
    await using clients = customer.clientsOf({ ...untrusting, caFile: undefined, callTimeoutMs: 500 })
    expect((await fail(new GcpKekProvider(customer.kekOf('service-account'), clients))).kind).toBe(
      'unreachable',
    )
  })

  it('is unreachable while a token service fails or hangs, and serves again after', async () => {
    const provider = reached({ callTimeoutMs: 300 })
    customer.control.injectFault({ operation: 'Token', effect: { type: 'error', code: 'UNAVAILABLE' } })
    expect((await fail(provider)).kind).toBe('unreachable')
    customer.control.injectFault({ operation: 'Token', effect: { type: 'hang' } })
    expect((await fail(provider)).kind).toBe('unreachable')
    expect((await wrap(provider)).materialId).toBe('1')
  })
})

describe('an answer of Google KMS', () => {
  const keyName = 'projects/acme-prod/locations/global/keyRings/r/cryptoKeys/k'
  const ciphertext = Buffer.from('ciphertext')
  const good = {
    name: `${keyName}/cryptoKeyVersions/3`,
    ciphertext,
    ciphertextCrc32c: { value: String(crc32c(ciphertext)) },
    verifiedPlaintextCrc32c: true,
    verifiedAdditionalAuthenticatedDataCrc32c: true,
    protectionLevel: 'SOFTWARE',
  }

  it('of Encrypt gives ciphertext, version and protection', () => {
    expect(requireEncrypted(keyName, good, 'r')).toEqual({ ciphertext, version: '3', protection: 'software' })
    const levels = { HSM: 'hsm', HSM_SINGLE_TENANT: 'hsm', EXTERNAL_VPC: 'external', QUANTUM: 'software' }
    for (const [protectionLevel, protection] of Object.entries(levels))
      expect(requireEncrypted(keyName, { ...good, protectionLevel }, 'r').protection).toBe(protection)
  })

  it.each([
    [{ verifiedPlaintextCrc32c: false }, 'crc-mismatch'],
    [{ verifiedAdditionalAuthenticatedDataCrc32c: false }, 'crc-mismatch'],
    [{ ciphertextCrc32c: { value: '1' } }, 'crc-mismatch'],
    [{ ciphertextCrc32c: null }, 'crc-mismatch'],
    [{ ciphertext: Buffer.alloc(0) }, 'malformed-reply'],
    [{ name: `${keyName}2/cryptoKeyVersions/1` }, 'WrongKeyInReply'],
    [{ name: keyName }, 'WrongKeyInReply'],
  ])('of Encrypt with %j is not used', async (change, code) => {
    const fault = await faultOf(
      Promise.resolve().then(() => requireEncrypted(keyName, { ...good, ...change }, 'r')),
    )
    expect(fault).toMatchObject({ code, kmsRequestId: 'r' })
  })

  const decrypted = (length: number) => {
    const plaintext = Buffer.alloc(length, 7)
    return { plaintext, plaintextCrc32c: { value: String(crc32c(plaintext)) } }
  }

  it('of Decrypt gives the DEK, and leaves nothing in the SDK’s copy', () => {
    const reply = decrypted(32)
    using dek = requireDecrypted(32, reply, 'r')
    expect(dek.unsafeBytes().every((byte) => byte === 7)).toBe(true)
    expect(reply.plaintext.every((byte) => byte === 0)).toBe(true)
  })

  it.each([
    ['another length', decrypted(31), 'WrongPlaintextLength'],
    ['no checksum', { ...decrypted(32), plaintextCrc32c: null }, 'crc-mismatch'],
    ['another checksum', { ...decrypted(32), plaintextCrc32c: { value: '1' } }, 'crc-mismatch'],
  ])('of Decrypt with %s is not used, and wiped', async (_, reply, code) => {
    const fault = await faultOf(Promise.resolve().then(() => requireDecrypted(32, reply, 'r')))
    expect(fault.code).toBe(code)
    expect(reply.plaintext.every((byte) => byte === 0)).toBe(true)
  })
})

async function faultOf(call: Promise<unknown>): Promise<KekFault> {
  const outcome = await call.then(
    () => 'no fault at all',
    (error: unknown) => error,
  )
  if (outcome instanceof KekFault) return outcome
  throw new Error('There had to be a KekFault.', { cause: outcome })
}
