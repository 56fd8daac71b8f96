import { DecryptCommand, DescribeKeyCommand, ListKeysCommand } from '@aws-sdk/client-kms'
import { AssumeRoleCommand, GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EXTERNAL_ID, refusalOf, TwoAccounts } from './two-accounts.ts'

let world: TwoAccounts

beforeEach(async () => {
  world = await TwoAccounts.start()
})
afterEach(async () => world[Symbol.asyncDispose]())

async function postRaw(
  headers: Record<string, string>,
  body: string,
): Promise<{ status: number; text: string }> {
  const reply = await fetch(world.emulator.url, { method: 'POST', headers, body })
  expect(reply.headers.get('x-amzn-requestid')).toMatch(/^[0-9a-f-]{36}$/)
  return { status: reply.status, text: await reply.text() }
}

const kmsHeaders = { 'x-amz-target': 'TrentService.ListKeys', 'content-type': 'application/x-amz-json-1.1' }

describe('a request whose signature does not hold', () => {
  it('is InvalidSignatureException at KMS and SignatureDoesNotMatch at STS for a wrong secret', async () => {
    const forged = { ...world.vendor, secretAccessKey: 'not-the-secret-of-this-access-key' }
    expect(await refusalOf(world.kms(forged).send(new ListKeysCommand({})))).toMatchObject({
      name: 'InvalidSignatureException',
      status: 400,
    })
    expect(await refusalOf(world.sts(forged).send(new GetCallerIdentityCommand({})))).toMatchObject({
      name: 'SignatureDoesNotMatch',
      status: 403,
    })
  })

  it('is UnrecognizedClientException at KMS and InvalidClientTokenId at STS for an unknown access key', async () => {
    const unknown = { accessKeyId: 'AKIAAAAAAAAAAAAAAAAA', secretAccessKey: 'x'.repeat(40) }
    expect((await refusalOf(world.kms(unknown).send(new ListKeysCommand({})))).name).toBe(
      'UnrecognizedClientException',
    )
    expect((await refusalOf(world.sts(unknown).send(new GetCallerIdentityCommand({})))).name).toBe(
      'InvalidClientTokenId',
    )
  })

  it('is refused when the body is not the signed one', async () => {
    const client = world.owner
    client.middlewareStack.add(
      (next) => async (args) => {
        if (typeof args.request === 'object' && args.request !== null && 'body' in args.request) {
          args.request.body = '{"Limit":7}'
        }
        return next(args)
      },
      { step: 'finalizeRequest', priority: 'low' },
    )
    expect((await refusalOf(client.send(new ListKeysCommand({ Limit: 5 })))).name).toBe(
      'InvalidSignatureException',
    )
  })

  it('is refused when its date is more than five minutes off, and the SDK can correct itself by our Date', async () => {
    world.emulator.control.setSignatureSkew({ ms: 6 * 60_000 })
    const client = world.owner
    const refusal = await refusalOf(client.send(new ListKeysCommand({})))
    expect(refusal.name).toBe('InvalidSignatureException')
    expect(refusal.message).toMatch(
      /^Signature expired: \d{8}T\d{6}Z is now earlier than \d{8}T\d{6}Z \(.* - 5 min\.\)$/,
    )
    await expect(client.send(new ListKeysCommand({}))).resolves.toMatchObject({ Truncated: false })
    world.emulator.control.setSignatureSkew({ ms: -6 * 60_000 })
    expect((await refusalOf(world.kms(world.vendor).send(new ListKeysCommand({})))).message).toContain(
      'not yet current',
    )
  })

  it('is MissingAuthenticationToken without and IncompleteSignature with half an Authorization header', async () => {
    const missing = await postRaw(kmsHeaders, '{}')
    expect(missing).toMatchObject({
      status: 400,
      text: expect.stringContaining('MissingAuthenticationTokenException'),
    })
    const half = await postRaw({ ...kmsHeaders, authorization: 'AWS4-HMAC-SHA256 Credential=AKIA/x' }, '{}')
    expect(half).toMatchObject({ status: 400, text: expect.stringContaining('IncompleteSignatureException') })
    const sts = await postRaw(
      { 'content-type': 'application/x-www-form-urlencoded' },
      'Action=GetCallerIdentity',
    )
    expect(sts).toMatchObject({
      status: 403,
      text: expect.stringContaining('<Code>MissingAuthenticationToken</Code>'),
    })
  })
})

describe('credentials of an assumed role', () => {
  it('work for an hour and are ExpiredTokenException after it', async () => {
    const kms = world.kms(await world.assumeRole())
    const ask = () => kms.send(new DescribeKeyCommand({ KeyId: world.keyArn }))
    world.emulator.control.advanceClock({ ms: 3_599_000 })
    await expect(ask()).resolves.toMatchObject({ KeyMetadata: { Arn: world.keyArn } })
    world.emulator.control.advanceClock({ ms: 1000 })
    expect(await refusalOf(ask())).toMatchObject({ name: 'ExpiredTokenException', status: 400 })
  })

  it('are refused without their session token, and with that of another session', async () => {
    const { sessionToken, ...bare } = await world.assumeRole()
    const swapped = { ...(await world.assumeRole()), ...(sessionToken && { sessionToken }) }
    for (const credentials of [bare, swapped]) {
      const call = world.kms(credentials).send(new DecryptCommand({ CiphertextBlob: Buffer.from('x') }))
      expect((await refusalOf(call)).name).toBe('UnrecognizedClientException')
    }
  })

  it('are refused once their role is deleted, as a user is whose access key is deleted', async () => {
    const kms = await world.roleKms()
    world.emulator.control.deletePrincipal({ principalArn: world.roleArn })
    const call = kms.send(new DescribeKeyCommand({ KeyId: world.keyArn }))
    expect((await refusalOf(call)).name).toBe('UnrecognizedClientException')
    world.emulator.control.deleteAccessKey({ accessKeyId: world.vendor.accessKeyId })
    const identity = world.sts(world.vendor).send(new GetCallerIdentityCommand({}))
    expect((await refusalOf(identity)).name).toBe('InvalidClientTokenId')
  })

  it('can assume a further role, for an hour at most whatever that role allows', async () => {
    const { control } = world.emulator
    const further = control.createRole({
      accountId: '111122223333',
      name: 'further',
      sessionSecondsMax: 43_200,
      trustPolicy: {
        Statement: [{ Effect: 'Allow', Principal: { AWS: world.roleArn }, Action: 'sts:AssumeRole' }],
      },
    })
    const sts = world.sts(await world.assumeRole())
    const assume = async (DurationSeconds: number) =>
      sts.send(new AssumeRoleCommand({ RoleArn: further.arn, RoleSessionName: 'chained', DurationSeconds }))
    await expect(assume(3600)).resolves.toHaveProperty('Credentials')
    expect((await refusalOf(assume(3601))).message).toContain('role chaining')
  })

  it('say who they are, and last as long as asked within the limit of the role', async () => {
    const credentials = await world.assumeRole({ sessionName: 'probe-1' })
    const identity = await world.sts(credentials).send(new GetCallerIdentityCommand({}))
    expect(identity.Arn).toBe('arn:aws:sts::111122223333:assumed-role/hasp-kek/probe-1')
    const assume = (DurationSeconds: number) =>
      world.sts(world.vendor).send(
        new AssumeRoleCommand({
          RoleArn: world.roleArn,
          RoleSessionName: 'probe-2',
          ExternalId: EXTERNAL_ID,
          DurationSeconds,
        }),
      )
    const short = await assume(900)
    const secondsLeft = ((short.Credentials?.Expiration?.getTime() ?? 0) - Date.now()) / 1000
    expect(secondsLeft).toBeGreaterThan(890)
    expect(secondsLeft).toBeLessThanOrEqual(900)
    expect((await refusalOf(assume(3601))).message).toContain('exceeds the MaxSessionDuration')
    expect((await refusalOf(assume(899))).name).toBe('ValidationError')
  })
})

describe('a body of more than 64 KiB', () => {
  it('is refused with 413 and the server lives on', async () => {
    const reply = await postRaw(kmsHeaders, 'x'.repeat(64 * 1024 + 1))
    expect(reply).toMatchObject({
      status: 413,
      text: expect.stringContaining('RequestEntityTooLargeException'),
    })
    await expect(world.owner.send(new ListKeysCommand({}))).resolves.toMatchObject({ Truncated: false })
  })
})
