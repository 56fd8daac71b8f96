import {
  CreateGrantCommand,
  CreateKeyCommand,
  DecryptCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EncryptCommand,
  GetKeyPolicyCommand,
  PutKeyPolicyCommand,
  type KMSClient,
} from '@aws-sdk/client-kms'
import { AssumeRoleCommand } from '@aws-sdk/client-sts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AwsEmulatorControl } from '#emulators/aws/control/control.ts'
import { allow, CUSTOMER, EXTERNAL_ID, refusalOf, TwoAccounts } from './two-accounts.ts'

let world: TwoAccounts
let control: AwsEmulatorControl

beforeEach(async () => {
  world = await TwoAccounts.start()
  control = world.emulator.control
})
afterEach(async () => world[Symbol.asyncDispose]())

const root = {
  Effect: 'Allow',
  Principal: { AWS: `arn:aws:iam::${CUSTOMER}:root` },
  Action: 'kms:*',
  Resource: '*',
}

async function putPolicy(...statements: object[]): Promise<void> {
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [root, ...statements] })
  await world.owner.send(new PutKeyPolicyCommand({ KeyId: world.keyArn, Policy }))
}

const encrypt = async (kms: KMSClient, EncryptionContext: Record<string, string> = {}) =>
  kms.send(new EncryptCommand({ KeyId: world.keyArn, Plaintext: Buffer.from('dek'), EncryptionContext }))

describe('assuming a role with an ExternalId condition', () => {
  const assume = async (ExternalId?: string, RoleArn = world.roleArn) =>
    world
      .sts(world.vendor)
      .send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'session', ...(ExternalId && { ExternalId }) }))

  it('succeeds only with the very ExternalId', async () => {
    await expect(assume(EXTERNAL_ID)).resolves.toHaveProperty('Credentials')
    for (const wrong of [undefined, 'hasp-ext-other', EXTERNAL_ID.toUpperCase()]) {
      expect(await refusalOf(assume(wrong))).toMatchObject({ name: 'AccessDenied', status: 403 })
    }
  })

  it('answers alike for a role that does not exist', async () => {
    const refusal = await refusalOf(assume(EXTERNAL_ID, `arn:aws:iam::${CUSTOMER}:role/no-such-role`))
    expect(refusal.message).toBe(
      `User: ${world.vendorArn} is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::${CUSTOMER}:role/no-such-role`,
    )
  })

  it('needs the right on the side of the caller too, across accounts', async () => {
    control.putPolicies({ principalArn: world.vendorArn, policies: [] })
    expect((await refusalOf(assume(EXTERNAL_ID))).name).toBe('AccessDenied')
  })

  it('stops when the trust policy no longer names the caller; sessions that exist live on', async () => {
    const kms = await world.roleKms()
    control.putTrustPolicy({
      roleArn: world.roleArn,
      trustPolicy: {
        Statement: [{ Effect: 'Allow', Principal: { AWS: CUSTOMER }, Action: 'sts:AssumeRole' }],
      },
    })
    expect((await refusalOf(assume(EXTERNAL_ID))).name).toBe('AccessDenied')
    await expect(encrypt(kms)).resolves.toHaveProperty('CiphertextBlob')
  })
})

describe('a role of the customer', () => {
  it('may do what its policies allow and not a thing more', async () => {
    const kms = await world.roleKms()
    await expect(encrypt(kms)).resolves.toHaveProperty('CiphertextBlob')
    const refusal = await refusalOf(kms.send(new DisableKeyCommand({ KeyId: world.keyArn })))
    expect(refusal).toMatchObject({ name: 'AccessDeniedException', status: 400 })
    expect(refusal.message).toBe(
      `User: arn:aws:sts::${CUSTOMER}:assumed-role/hasp-kek/hasp-test is not authorized to perform: kms:DisableKey on resource: ${world.keyArn} because no identity-based policy allows the kms:DisableKey action`,
    )
    expect((await refusalOf(kms.send(new CreateKeyCommand({})))).name).toBe('AccessDeniedException')
  })

  it('is held to an encryption context that its policy demands', async () => {
    const condition = { StringEquals: { 'kms:EncryptionContext:org': 'o-1' } }
    control.putPolicies({
      principalArn: world.roleArn,
      policies: [allow('kms:Encrypt', world.keyArn, condition)],
    })
    const kms = await world.roleKms()
    await expect(encrypt(kms, { org: 'o-1', more: 'x' })).resolves.toHaveProperty('CiphertextBlob')
    expect((await refusalOf(encrypt(kms, { org: 'o-2' }))).name).toBe('AccessDeniedException')
    expect((await refusalOf(encrypt(kms))).name).toBe('AccessDeniedException')
    expect((await refusalOf(encrypt(kms, { org: 'o-1', ORG: 'o-2' }))).name).toBe('AccessDeniedException')
  })

  it('loses everything to an explicit deny in the key policy', async () => {
    await putPolicy({
      Effect: 'Deny',
      Principal: { AWS: world.roleArn },
      Action: 'kms:Encrypt',
      Resource: '*',
    })
    const kms = await world.roleKms()
    expect((await refusalOf(encrypt(kms))).message).toContain(
      'with an explicit deny in a resource-based policy',
    )
  })

  it('is narrowed by a session policy, and never widened by it', async () => {
    const narrowed = world.kms(await world.assumeRole({ policy: allow('kms:DescribeKey', '*') }))
    await expect(narrowed.send(new DescribeKeyCommand({ KeyId: world.keyArn }))).resolves.toHaveProperty(
      'KeyMetadata',
    )
    expect((await refusalOf(encrypt(narrowed))).message).toContain('because no session policy allows')
    const widened = world.kms(await world.assumeRole({ policy: allow('kms:*', '*') }))
    expect((await refusalOf(widened.send(new DisableKeyCommand({ KeyId: world.keyArn })))).name).toBe(
      'AccessDeniedException',
    )
  })
})

describe('a principal of another account', () => {
  const vendorMay = (Action: string[]) => ({
    Effect: 'Allow',
    Principal: { AWS: world.vendorArn },
    Action,
    Resource: '*',
  })

  it('is refused without saying whether the key exists', async () => {
    const kms = world.kms(world.vendor)
    const ghost = world.keyArn.replace(/[^/]+$/, '00000000-0000-4000-8000-000000000001')
    const [real, missing] = [
      await refusalOf(encrypt(kms)),
      await refusalOf(kms.send(new EncryptCommand({ KeyId: ghost, Plaintext: Buffer.from('x') }))),
    ]
    expect(real.name).toBe('AccessDeniedException')
    expect(real.message).toBe(missing.message)
  })

  it('needs both the key policy and its own', async () => {
    const kms = world.kms(world.vendor)
    await putPolicy(vendorMay(['kms:Encrypt', 'kms:Decrypt']))
    const { CiphertextBlob } = await encrypt(kms)
    await expect(kms.send(new DecryptCommand({ CiphertextBlob }))).resolves.toMatchObject({
      KeyId: world.keyArn,
    })
    control.putPolicies({ principalArn: world.vendorArn, policies: [allow('kms:Decrypt', '*')] })
    expect((await refusalOf(encrypt(kms))).message).toContain('because no identity-based policy allows')
  })

  it('may never manage the key, whatever the key policy says', async () => {
    await putPolicy(vendorMay(['kms:*']))
    const kms = world.kms(world.vendor)
    expect((await refusalOf(kms.send(new DisableKeyCommand({ KeyId: world.keyArn })))).name).toBe(
      'AccessDeniedException',
    )
  })
})

describe('DryRun', () => {
  const dry = async (kms: KMSClient, EncryptionContext: Record<string, string> = {}) =>
    kms.send(
      new DecryptCommand({
        KeyId: world.keyArn,
        EncryptionContext,
        DryRun: true,
        DryRunModifiers: ['IGNORE_CIPHERTEXT'],
      }),
    )

  it('answers DryRunOperationException for success and the real error otherwise', async () => {
    const kms = await world.roleKms()
    const { CiphertextBlob } = await encrypt(kms)
    const call = async () => kms.send(new DecryptCommand({ CiphertextBlob, DryRun: true }))
    expect(await refusalOf(call())).toMatchObject({ name: 'DryRunOperationException', status: 400 })
    await world.owner.send(new DisableKeyCommand({ KeyId: world.keyArn }))
    expect((await refusalOf(call())).name).toBe('DisabledException')
  })

  it('tests permission alone with IGNORE_CIPHERTEXT, so that a grant without a context condition shows', async () => {
    const kms = await world.roleKms()
    expect((await refusalOf(dry(kms))).name).toBe('DryRunOperationException')
    const condition = { StringEquals: { 'kms:EncryptionContext:org': 'o-1' } }
    control.putPolicies({ principalArn: world.roleArn, policies: [allow('kms:Decrypt', '*', condition)] })
    expect((await refusalOf(dry(kms))).name).toBe('AccessDeniedException')
    expect((await refusalOf(dry(kms, { org: 'o-2' }))).name).toBe('AccessDeniedException')
    expect((await refusalOf(dry(kms, { org: 'o-1' }))).name).toBe('DryRunOperationException')
  })

  it('shows an over-grant on operations that are not carried out', async () => {
    const probe = async () =>
      (await world.roleKms()).send(
        new CreateGrantCommand({
          KeyId: world.keyArn,
          GranteePrincipal: world.roleArn,
          Operations: ['Decrypt'],
          DryRun: true,
        }),
      )
    expect((await refusalOf(probe())).name).toBe('AccessDeniedException')
    control.putPolicies({ principalArn: world.roleArn, policies: [allow('kms:*', '*')] })
    expect((await refusalOf(probe())).name).toBe('DryRunOperationException')
  })
})

describe('setting a key policy', () => {
  const put = async (policy: unknown) =>
    world.owner.send(new PutKeyPolicyCommand({ KeyId: world.keyArn, Policy: JSON.stringify(policy) }))
  const withCondition = (Condition: object) => ({ Statement: [root, { ...root, Effect: 'Deny', Condition }] })

  it.each([
    ['an unknown condition key', withCondition({ StringEquals: { 'aws:SourceVpce': 'x' } })],
    ['an unknown operator', withCondition({ StringResembles: { 'kms:CallerAccount': 'x' } })],
    ['an operator named like an object member', withCondition({ constructor: { 'kms:CallerAccount': 'x' } })],
    [
      'a policy variable',
      withCondition({ StringEquals: { 'kms:CallerAccount': '${aws:PrincipalAccount}' } }),
    ],
    [
      'NotPrincipal',
      { Statement: [root, { Effect: 'Deny', NotPrincipal: '*', Action: 'kms:*', Resource: '*' }] },
    ],
    [
      'a principal that does not exist',
      { Statement: [root, { ...root, Principal: { AWS: `arn:aws:iam::${CUSTOMER}:user/nobody` } }] },
    ],
    ['no statement', { Statement: [] }],
    ['locking its author out', { Statement: [{ ...root, Action: 'kms:Decrypt' }] }],
  ])('refuses %s as MalformedPolicyDocumentException and keeps the old policy', async (_, policy) => {
    expect(await refusalOf(put(policy))).toMatchObject({
      name: 'MalformedPolicyDocumentException',
      status: 400,
    })
    const kept = await world.owner.send(new GetKeyPolicyCommand({ KeyId: world.keyArn }))
    expect(kept.Policy).toContain('Enable IAM User Permissions')
  })

  it('gives back the text that was put', async () => {
    const policy = { Version: '2012-10-17', Id: 'mine', Statement: [root] }
    await put(policy)
    const kept = await world.owner.send(new GetKeyPolicyCommand({ KeyId: world.keyArn }))
    expect(kept).toMatchObject({ Policy: JSON.stringify(policy), PolicyName: 'default' })
  })
})
