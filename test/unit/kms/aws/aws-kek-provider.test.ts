import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { generateDek } from '#envelope/record-key.ts'
import { AwsKekProvider } from '#kms/aws/aws-kek-provider.ts'
import { KekFault } from '#kms/kek-fault.ts'
import { GuardedKekProvider } from '#kms/guarded-kek-provider.ts'
import { EXTERNAL_ID, startEmulatedCustomer, trustPolicy } from './emulated-customer.ts'
import { CONTEXT as RECORD } from '../../../support/record-context.ts'

const CONTEXT = { ...RECORD, generation: 7 }

async function faultOf(call: Promise<unknown>): Promise<KekFault> {
  const outcome = await call.then(
    () => 'it served',
    (error: unknown) => error,
  )
  if (outcome instanceof KekFault) return outcome
  throw new Error(`A KekFault was due: ${String(outcome)}`)
}

/** A provider with a session and one wrapped DEK. */
async function wrappedUnder(
  customer: Awaited<ReturnType<typeof startEmulatedCustomer>>,
  shape: 'role' | 'direct',
) {
  const provider = customer.provider(shape)
  using dek = generateDek()
  const { wrappedDek } = await provider.wrap(dek, CONTEXT)
  return { provider, wrappedDek }
}

describe('an unwrap through the customer’s role', () => {
  it('is in the customer’s trail under the same request id, with the whole context and our session’s name', async () => {
    await using customer = await startEmulatedCustomer()
    const { provider, wrappedDek } = await wrappedUnder(customer, 'role')
    const { dek, kmsRequestId } = await provider.unwrap(wrappedDek, CONTEXT)
    dek[Symbol.dispose]()
    const { accountId } = customer.customer
    const event = await customer.control.waitForEvent({
      accountId,
      requestId: kmsRequestId,
      eventName: 'Decrypt',
    })
    expect(event.requestParameters).toMatchObject({
      encryptionContext: {
        'hasp:org': CONTEXT.org,
        'hasp:record': CONTEXT.record,
        'hasp:purpose': 'credential',
        'hasp:provider': 'openai',
        'hasp:environment': 'production',
        'hasp:kek': CONTEXT.kek,
        'hasp:generation': '7',
      },
    })
    expect(JSON.stringify(event.userIdentity)).toContain(':assumed-role/hasp-unwrap/hasp-01980f3e-7a00')
  })

  it('asks STS once, however many unwraps begin at once', async () => {
    await using customer = await startEmulatedCustomer()
    const { wrappedDek } = await wrappedUnder(customer, 'direct')
    const provider = customer.provider('role')
    const results = await Promise.all(Array.from({ length: 40 }, () => provider.unwrap(wrappedDek, CONTEXT)))
    for (const { dek } of results) dek[Symbol.dispose]()
    const { accountId } = customer.customer
    expect(customer.control.events({ accountId, eventName: 'AssumeRole' })).toHaveLength(1)
  })

  it('takes a fresh session and serves when AWS says that the session has expired', async () => {
    await using customer = await startEmulatedCustomer()
    const { provider, wrappedDek } = await wrappedUnder(customer, 'role')
    customer.control.injectFault({
      operation: 'Decrypt',
      effect: { type: 'error', code: 'ExpiredTokenException', httpStatus: 400 },
    })
    const { dek } = await provider.unwrap(wrappedDek, CONTEXT)
    dek[Symbol.dispose]()
    const { accountId } = customer.customer
    expect(customer.control.events({ accountId, eventName: 'AssumeRole' })).toHaveLength(2)
  })

  it('is ours, after one more try, when even a fresh session is refused', async () => {
    await using customer = await startEmulatedCustomer()
    const { provider, wrappedDek } = await wrappedUnder(customer, 'role')
    customer.control.injectFault({
      operation: 'Decrypt',
      times: 2,
      effect: { type: 'error', code: 'UnrecognizedClientException', httpStatus: 400 },
    })
    expect(await faultOf(provider.unwrap(wrappedDek, CONTEXT))).toMatchObject({ kind: 'ours' })
  })

  it('is revoked when the role is deleted under a live session', async () => {
    await using customer = await startEmulatedCustomer()
    const { provider, wrappedDek } = await wrappedUnder(customer, 'role')
    customer.control.deletePrincipal({ principalArn: customer.role.arn })
    expect(await faultOf(provider.unwrap(wrappedDek, CONTEXT))).toMatchObject({ kind: 'revoked' })
  })

  it('is revoked when the role’s policy no longer allows it', async () => {
    await using customer = await startEmulatedCustomer()
    const { provider, wrappedDek } = await wrappedUnder(customer, 'role')
    const { arn } = customer.role
    const deny = { Version: '2012-10-17', Statement: [{ Effect: 'Deny', Action: 'kms:*', Resource: '*' }] }
    customer.control.putPolicies({ principalArn: arn, policies: [deny] })
    expect(await faultOf(provider.unwrap(wrappedDek, CONTEXT))).toMatchObject({
      kind: 'revoked',
      code: 'AccessDeniedException',
      kmsRequestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
  })

  it('is refused under any ExternalId but ours', async () => {
    await using customer = await startEmulatedCustomer()
    const { wrappedDek } = await wrappedUnder(customer, 'direct')
    const stranger = new AwsKekProvider(
      { ...customer.kekOf('role'), externalId: 'guessed' },
      customer.clients,
    )
    expect(await faultOf(stranger.unwrap(wrappedDek, CONTEXT))).toMatchObject({
      kind: 'revoked',
      code: 'AccessDenied',
    })
  })

  it('notices withdrawn trust when it renews its session, and trust restored at the next call', async () => {
    let aheadMs = 0
    await using customer = await startEmulatedCustomer({ now: () => Date.now() + aheadMs })
    const provider = new AwsKekProvider(customer.kekOf('role'), customer.clientsOf({ dekTransport: 'sdk' }))
    using dek = generateDek()
    const { wrappedDek } = await provider.wrap(dek, CONTEXT)
    const { arn: roleArn } = customer.role
    customer.control.putTrustPolicy({ roleArn, trustPolicy: trustPolicy(customer.own.arn, 'another') })
    aheadMs = 900_000
    expect(await faultOf(provider.unwrap(wrappedDek, CONTEXT))).toMatchObject({ kind: 'revoked' })
    customer.control.putTrustPolicy({ roleArn, trustPolicy: trustPolicy(customer.own.arn, EXTERNAL_ID) })
    const again = await provider.unwrap(wrappedDek, CONTEXT)
    again.dek[Symbol.dispose]()
  })
})

describe('an unwrap that KMS answers with a state it does not name', () => {
  const unnamed = {
    type: 'error',
    code: 'KMSInvalidStateException',
    httpStatus: 400,
    message: 'Cannot be used.',
  } as const

  it.each([
    ['Unavailable', 'revoked'],
    ['PendingImport', 'revoked'],
    ['Enabled', 'unreachable'],
  ] as const)('reads that the key is %s, and is %s', async (state, kind) => {
    await using customer = await startEmulatedCustomer()
    const { provider, wrappedDek } = await wrappedUnder(customer, 'role')
    customer.control.setKeyState({ keyId: customer.keyArn, state })
    customer.control.injectFault({ operation: 'Decrypt', effect: unnamed })
    expect(await faultOf(provider.unwrap(wrappedDek, CONTEXT))).toMatchObject({
      kind,
      code: 'KMSInvalidStateException',
    })
  })

  it('is unreachable when the state cannot be read either', async () => {
    await using customer = await startEmulatedCustomer()
    const { provider, wrappedDek } = await wrappedUnder(customer, 'role')
    customer.control.injectFault({ operation: 'Decrypt', effect: unnamed })
    customer.control.injectFault({ operation: 'DescribeKey', effect: { type: 'reset' } })
    expect(await faultOf(provider.unwrap(wrappedDek, CONTEXT))).toMatchObject({ kind: 'unreachable' })
  })
})

describe.each(['bytes', 'sdk'] as const)('what KMS decrypted, read over %s', (dekTransport) => {
  it.each([
    [
      'another key',
      { KeyId: 'arn:aws:kms:eu-central-1:999999999999:key/1234abcd-12ab-34cd-56ef-1234567890ab' },
      'WrongKeyInReply',
    ],
    ['the bare id of the key', { KeyId: '1234abcd-12ab-34cd-56ef-1234567890ab' }, 'WrongKeyInReply'],
    ['another algorithm', { EncryptionAlgorithm: 'RSAES_OAEP_SHA_256' }, 'WrongAlgorithmInReply'],
    ['31 bytes', { Plaintext: Buffer.alloc(31, 1).toString('base64') }, 'WrongPlaintextLength'],
    ['33 bytes', { Plaintext: Buffer.alloc(33, 1).toString('base64') }, 'WrongPlaintextLength'],
  ])('is refused as tampered when it names %s', async (_, members, code) => {
    await using customer = await startEmulatedCustomer({ dekTransport })
    const { provider, wrappedDek } = await wrappedUnder(customer, 'direct')
    customer.control.injectFault({ operation: 'Decrypt', effect: { type: 'patch-reply', members } })
    expect(await faultOf(provider.unwrap(wrappedDek, CONTEXT))).toMatchObject({ kind: 'tampered', code })
  })

  it('shows no credential, ARN or account in any fault', async () => {
    await using customer = await startEmulatedCustomer({ dekTransport, callTimeoutMs: 200 })
    const { provider, wrappedDek } = await wrappedUnder(customer, 'role')
    const { control, own, keyArn } = customer
    const effects = [
      { type: 'error', code: 'AccessDeniedException', message: `User: ${own.arn} on ${keyArn}` },
      { type: 'error', code: 'KMSInternalException', httpStatus: 500 },
      { type: 'reset' },
      { type: 'hang' },
      { type: 'malformed-body' },
      { type: 'wrong-key-id' },
    ] as const
    for (const effect of effects) {
      control.injectFault({ operation: 'Decrypt', effect })
      const fault = await faultOf(provider.unwrap(wrappedDek, CONTEXT))
      const shown = inspect(fault, { depth: 12, showHidden: true, getters: true })
      for (const secret of [
        own.accessKey.secretAccessKey,
        own.accessKey.accessKeyId,
        'ASIA',
        keyArn,
        customer.customer.accountId,
      ]) {
        expect(shown).not.toContain(secret)
      }
      expect(fault.cause).toBeUndefined()
    }
  })
})

describe('a KEK whose own deployment is at fault', () => {
  it('is ours when Hasp has no AWS credentials', async () => {
    await using customer = await startEmulatedCustomer()
    const { wrappedDek } = await wrappedUnder(customer, 'direct')
    await using clients = customer.clientsOf({
      ownCredentials: async () => {
        throw new Error('profile "prod" in /root/.aws/config')
      },
    })
    for (const shape of ['role', 'direct'] as const) {
      const fault = await faultOf(
        new AwsKekProvider(customer.kekOf(shape), clients).unwrap(wrappedDek, CONTEXT),
      )
      expect(fault).toMatchObject({ kind: 'ours', code: 'no-credentials' })
      expect(fault.message).not.toContain('.aws')
    }
  })

  it('is ours when its access key was withdrawn', async () => {
    await using customer = await startEmulatedCustomer()
    const { provider, wrappedDek } = await wrappedUnder(customer, 'direct')
    customer.control.deleteAccessKey({ accessKeyId: customer.own.accessKey.accessKeyId })
    expect(await faultOf(provider.unwrap(wrappedDek, CONTEXT))).toMatchObject({ kind: 'ours' })
    expect(await faultOf(customer.provider('role').unwrap(wrappedDek, CONTEXT))).toMatchObject({
      kind: 'ours',
    })
  })

  it('is unreachable when nothing listens at the endpoint', async () => {
    await using customer = await startEmulatedCustomer()
    const { wrappedDek } = await wrappedUnder(customer, 'direct')
    const nowhere = () => 'http://127.0.0.1:1'
    await using clients = customer.clientsOf({ kmsEndpoint: nowhere, stsEndpoint: nowhere })
    for (const shape of ['role', 'direct'] as const) {
      const fault = await faultOf(
        new AwsKekProvider(customer.kekOf(shape), clients).unwrap(wrappedDek, CONTEXT),
      )
      expect(fault).toMatchObject({ kind: 'unreachable', code: 'connection-failed' })
    }
  })
})

describe('a KEK with a slow KMS', () => {
  it('does not delay another KEK at the same endpoint', async () => {
    await using customer = await startEmulatedCustomer()
    const slow = new GuardedKekProvider(customer.provider('direct'), { attemptMsMax: 1_500, inFlightMax: 64 })
    const { provider: quick, wrappedDek } = await wrappedUnder(customer, 'role')
    await quick.unwrap(wrappedDek, CONTEXT).then(({ dek }) => dek[Symbol.dispose]())
    customer.control.injectFault({ operation: 'Decrypt', times: 64, effect: { type: 'hang' } })
    const hanging = Array.from({ length: 200 }, () => faultOf(slow.unwrap(wrappedDek, CONTEXT)))
    await new Promise((resolve) => {
      setTimeout(resolve, 200)
    })
    const startedAtMs = performance.now()
    for (let call = 0; call < 20; call++) (await quick.unwrap(wrappedDek, CONTEXT)).dek[Symbol.dispose]()
    expect(performance.now() - startedAtMs).toBeLessThan(1_000)
    expect((await Promise.all(hanging)).every((fault) => fault.isTransient)).toBe(true)
  })
})

describe('describing a KEK', () => {
  it('tells the state, the material and where it lives', async () => {
    await using customer = await startEmulatedCustomer()
    const provider = customer.provider('role')
    expect(await provider.describe()).toMatchObject({
      isEnabled: true,
      cloudState: 'Enabled',
      protection: 'hsm',
    })
    customer.control.setKeyState({ keyId: customer.keyArn, state: 'PendingDeletion' })
    expect(await provider.describe()).toMatchObject({ isEnabled: false, cloudState: 'PendingDeletion' })
  })
})
