import {
  CreateAliasCommand,
  DecryptCommand,
  DescribeKeyCommand,
  EncryptCommand,
  GetKeyRotationStatusCommand,
  ListAliasesCommand,
  ListKeysCommand,
  ListResourceTagsCommand,
  TagResourceCommand,
} from '@aws-sdk/client-kms'
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import { SignatureV4 } from '@smithy/signature-v4'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startAwsEmulator } from '#emulators/aws/aws-emulator.ts'
import { connectAwsEmulator } from '#emulators/aws/control/control-client.ts'
import { NodeSha256 } from '../../../support/node-sha256.ts'
import { CUSTOMER, refusalOf, TwoAccounts } from './two-accounts.ts'

let world: TwoAccounts

beforeEach(async () => {
  world = await TwoAccounts.start()
})
afterEach(async () => world[Symbol.asyncDispose]())

const describeKey = async () => world.owner.send(new DescribeKeyCommand({ KeyId: world.keyArn }))
const encrypt = async () =>
  world.owner.send(new EncryptCommand({ KeyId: world.keyArn, Plaintext: Buffer.from('x') }))

describe('an injected fault', () => {
  it.each([
    ['ThrottlingException', 400],
    ['KMSInternalException', 500],
    ['DependencyTimeoutException', 500],
    ['KeyUnavailableException', 500],
  ])('answers %s with HTTP %i as often as told, for its operation alone', async (code, httpStatus) => {
    const { control } = world.emulator
    control.injectFault({
      operation: 'DescribeKey',
      times: 2,
      effect: { type: 'error', code, httpStatus, message: 'x' },
    })
    await expect(encrypt()).resolves.toHaveProperty('CiphertextBlob')
    expect(await refusalOf(describeKey())).toMatchObject({ name: code, status: httpStatus })
    expect(await refusalOf(describeKey())).toMatchObject({ name: code, status: httpStatus })
    await expect(describeKey()).resolves.toHaveProperty('KeyMetadata')
    expect(control.events({ eventName: 'DescribeKey' }).map((record) => record.errorCode)).toEqual([
      code,
      code,
      undefined,
    ])
  })

  it('words a failing external key store as KMS does', async () => {
    const message = 'The external key store proxy did not respond to the request in the time allotted.'
    const effect = { type: 'error', code: 'KMSInvalidStateException', message } as const
    world.emulator.control.injectFault({ operation: 'Encrypt', effect })
    expect(await refusalOf(encrypt())).toMatchObject({
      name: 'KMSInvalidStateException',
      status: 400,
      message,
    })
  })

  it('resets the connection before the call, or after it was carried out and logged', async () => {
    const { control } = world.emulator
    control.injectFault({ operation: 'Encrypt', effect: { type: 'reset' } })
    expect((await refusalOf(encrypt())).status).toBeUndefined()
    expect(control.events({ eventName: 'Encrypt' })).toHaveLength(0)
    control.injectFault({ operation: 'Encrypt', effect: { type: 'reset-reply' } })
    expect((await refusalOf(encrypt())).status).toBeUndefined()
    expect(control.events({ eventName: 'Encrypt' })).toHaveLength(1)
  })

  it('hangs until the caller gives up, and never blocks the shutdown', async () => {
    world.emulator.control.injectFault({ operation: 'Encrypt', effect: { type: 'hang' } })
    const call = world.owner.send(new EncryptCommand({ KeyId: world.keyArn, Plaintext: Buffer.from('x') }), {
      abortSignal: AbortSignal.timeout(100),
    })
    expect((await refusalOf(call)).name).toBe('AbortError')
    world.emulator.control.injectFault({ operation: 'Encrypt', effect: { type: 'hang' } })
    const hanging = refusalOf(encrypt())
    await new Promise((resolve) => setTimeout(resolve, 50))
    await world.emulator.stop()
    expect((await hanging).status).toBeUndefined()
  })

  it('spoils a reply: cut JSON, another KeyId, any other member', async () => {
    const { control } = world.emulator
    control.injectFault({ operation: 'Encrypt', effect: { type: 'malformed-body' } })
    expect((await refusalOf(encrypt())).name).toBe('SyntaxError')
    control.injectFault({ operation: 'Encrypt', effect: { type: 'wrong-key-id' } })
    expect((await encrypt()).KeyId).toMatch(/key\/00000000-0000-4000-8000-000000000000$/)
    const { CiphertextBlob } = await encrypt()
    control.injectFault({
      operation: 'Decrypt',
      effect: { type: 'patch-reply', members: { Plaintext: 'AAAA' } },
    })
    const patched = await world.owner.send(new DecryptCommand({ CiphertextBlob }))
    expect(patched.Plaintext).toEqual(new Uint8Array(3))
  })

  it('reaches STS as well', async () => {
    const effect = { type: 'error', code: 'Throttling', httpStatus: 400, message: 'Rate exceeded' } as const
    world.emulator.control.injectFault({ operation: 'GetCallerIdentity', effect })
    const ask = async () => world.sts(world.vendor).send(new GetCallerIdentityCommand({}))
    expect((await refusalOf(ask())).name).toBe('Throttling')
    await expect(ask()).resolves.toMatchObject({ Arn: world.vendorArn })
  })
})

describe('latency', () => {
  it('delays its operation, and the call is decided by the state at its end', async () => {
    const { control } = world.emulator
    control.setLatency({ operation: 'Encrypt', latencyMs: 120 })
    const startedMs = performance.now()
    const call = refusalOf(encrypt())
    await new Promise((resolve) => setTimeout(resolve, 40))
    control.setKeyState({ keyId: world.keyArn, state: 'Disabled' })
    expect((await call).name).toBe('DisabledException')
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(119)
  })
})

describe('the control API over HTTP', () => {
  it('builds and drives a world from another process', async () => {
    const emulator = connectAwsEmulator(world.emulator.url)
    const planted = await emulator('plant-seed', {
      accounts: [
        {
          accountId: '777788889999',
          users: [
            { name: 'ada', accessKeyId: 'AKIAADAADAADAADAADA2', secretAccessKey: 'ada-secret-ada-secret' },
          ],
          keys: [{ region: 'eu-central-1', tags: { owner: 'ada' } }],
        },
      ],
    })
    const ada = planted.users[0]
    expect(ada).toMatchObject({
      arn: 'arn:aws:iam::777788889999:user/ada',
      accessKey: { accessKeyId: 'AKIAADAADAADAADAADA2' },
    })
    await emulator('put-policies', {
      principalArn: ada?.arn ?? '',
      policies: [{ Statement: [{ Effect: 'Allow', Action: 'kms:*', Resource: '*' }] }],
    })
    const kms = world.kms(ada?.accessKey ?? { accessKeyId: '', secretAccessKey: '' })
    const { Keys } = await kms.send(new ListKeysCommand({}))
    expect(Keys).toEqual([{ KeyId: planted.keys[0]?.keyId, KeyArn: planted.keys[0]?.keyArn }])
    const waiting = emulator('wait-for-event', { eventName: 'DescribeKey', timeoutMs: 5000 })
    await kms.send(new DescribeKeyCommand({ KeyId: planted.keys[0]?.keyId }))
    expect((await waiting).recipientAccountId).toBe('777788889999')
    expect(
      (await emulator('events', { accountId: '777788889999' })).map((record) => record.eventName),
    ).toEqual(['ListKeys', 'DescribeKey'])
  })

  it.each([
    ['a command that does not exist', 'open-sesame', {}, 404],
    ['an unknown member', 'set-effect-delay', { effectDelayMs: 1, more: 1 }, 400],
    ['a negative delay', 'set-effect-delay', { effectDelayMs: -1 }, 400],
    ['a key of nobody', 'create-key', { accountId: '999999999999' }, 400],
  ])('refuses %s', async (_, command, body, status) => {
    const reply = await fetch(`${world.emulator.url}/_emulator/${command}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    expect(reply.status).toBe(status)
    expect(await reply.json()).toHaveProperty('error')
  })

  it('takes no form posts, which any web page could send', async () => {
    const reply = await fetch(`${world.emulator.url}/_emulator/clear-events`, { method: 'POST', body: '{}' })
    expect(reply.status).toBe(415)
  })
})

describe('names on a key', () => {
  it('keeps tags and aliases, and resolves aliases', async () => {
    const KeyId = world.keyArn
    await world.owner.send(
      new TagResourceCommand({ KeyId, Tags: [{ TagKey: 'hasp-proof', TagValue: 'nonce' }] }),
    )
    await world.owner.send(new CreateAliasCommand({ AliasName: 'alias/kek', TargetKeyId: KeyId }))
    const { Tags } = await world.owner.send(new ListResourceTagsCommand({ KeyId }))
    expect(Tags).toEqual([{ TagKey: 'hasp-proof', TagValue: 'nonce' }])
    const { Aliases } = await world.owner.send(new ListAliasesCommand({ KeyId }))
    expect(Aliases).toMatchObject([
      { AliasName: 'alias/kek', AliasArn: `arn:aws:kms:eu-central-1:${CUSTOMER}:alias/kek` },
    ])
    const found = await world.owner.send(new DescribeKeyCommand({ KeyId: 'alias/kek' }))
    expect(found.KeyMetadata?.Arn).toBe(KeyId)
    await expect(world.owner.send(new GetKeyRotationStatusCommand({ KeyId }))).resolves.toMatchObject({
      KeyRotationEnabled: false,
    })
    const again = world.owner.send(new CreateAliasCommand({ AliasName: 'alias/kek', TargetKeyId: KeyId }))
    expect((await refusalOf(again)).name).toBe('AlreadyExistsException')
  })
})

describe('starting', () => {
  it('fails, and leaves nothing open, when the port is taken or the trail cannot be written', async () => {
    const port = Number(new URL(world.emulator.url).port)
    await expect(startAwsEmulator({ port })).rejects.toThrow('EADDRINUSE')
    await expect(startAwsEmulator({ auditLog: { ndjsonPath: '/no/such/folder/x' } })).rejects.toThrow(
      'ENOENT',
    )
  })

  it('listens on loopback only', async () => {
    expect(new URL(world.emulator.url).hostname).toBe('127.0.0.1')
  })
})

describe('the wire', () => {
  async function postSigned(
    target: string,
    body: string,
  ): Promise<{ status: number; body: unknown; requestId: string | null }> {
    const credentials = world.emulator.control.createAccessKey({
      principalArn: `arn:aws:iam::${CUSTOMER}:root`,
    })
    const signer = new SignatureV4({ credentials, region: 'us-west-2', service: 'kms', sha256: NodeSha256 })
    const { hostname, host, port } = new URL(world.emulator.url)
    const signed = await signer.sign({
      method: 'POST',
      protocol: 'http:',
      hostname,
      port: Number(port),
      path: '/',
      headers: { host, 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target },
      body,
    })
    const reply = await fetch(world.emulator.url, { method: 'POST', headers: signed.headers, body })
    return {
      status: reply.status,
      body: await reply.json(),
      requestId: reply.headers.get('x-amzn-requestid'),
    }
  }

  it('answers an operation that KMS does not have with UnknownOperationException', async () => {
    const reply = await postSigned('TrentService.OpenSesame', '{}')
    expect(reply).toMatchObject({ status: 400, body: { __type: 'UnknownOperationException' } })
    expect(reply.requestId).toMatch(/^[0-9a-f-]{36}$/)
  })

  it.each([
    ['broken JSON', '{"KeyId":', 'SerializationException'],
    ['an array', '[]', 'SerializationException'],
    ['a number for a string', '{"KeyId":7,"Plaintext":"eA=="}', 'SerializationException'],
    [
      'a number in the context',
      '{"KeyId":"x","Plaintext":"eA==","EncryptionContext":{"a":1}}',
      'SerializationException',
    ],
    ['bad base64', '{"KeyId":"x","Plaintext":"%%%"}', 'SerializationException'],
    ['a missing plaintext', '{"KeyId":"x"}', 'ValidationException'],
  ])('refuses %s', async (_, body, code) => {
    expect(await postSigned('TrentService.Encrypt', body)).toMatchObject({
      status: 400,
      body: { __type: code },
    })
  })
})
