import {
  CancelKeyDeletionCommand,
  DecryptCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  PutKeyPolicyCommand,
  ScheduleKeyDeletionCommand,
  type KMSClient,
} from '@aws-sdk/client-kms'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AwsEmulatorControl } from '#emulators/aws/control/control.ts'
import { refusalOf, TwoAccounts } from './two-accounts.ts'

let world: TwoAccounts
let control: AwsEmulatorControl
let kms: KMSClient
let KeyId: string
let CiphertextBlob: Uint8Array

beforeEach(async () => {
  world = await TwoAccounts.start()
  control = world.emulator.control
  kms = world.owner
  KeyId = world.keyArn
  const reply = await kms.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('dek') }))
  CiphertextBlob = reply.CiphertextBlob ?? new Uint8Array()
})
afterEach(async () => world[Symbol.asyncDispose]())

const decrypt = async () => kms.send(new DecryptCommand({ CiphertextBlob }))
const stateShown = async () => (await kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata?.KeyState

describe('a disabled key', () => {
  it('refuses every cryptographic operation as DisabledException, from the answer of DisableKey on', async () => {
    await kms.send(new DisableKeyCommand({ KeyId }))
    for (const call of [
      decrypt(),
      kms.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('x') })),
      kms.send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256' })),
    ]) {
      expect(await refusalOf(call)).toMatchObject({ name: 'DisabledException', status: 400 })
    }
    expect(await stateShown()).toBe('Disabled')
  })

  it('opens its old blobs again once it is enabled', async () => {
    await kms.send(new DisableKeyCommand({ KeyId }))
    await kms.send(new EnableKeyCommand({ KeyId }))
    expect(Buffer.from((await decrypt()).Plaintext ?? []).toString()).toBe('dek')
  })
})

describe('a key that awaits deletion', () => {
  beforeEach(async () => {
    await kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }))
  })

  it('answers in turn with both errors that AWS documents, or with the one it is set to', async () => {
    const names = [await refusalOf(decrypt()), await refusalOf(decrypt())].map((refusal) => refusal.name)
    expect(names.toSorted()).toEqual(['DisabledException', 'KMSInvalidStateException'])
    control.setPendingDeletionError({ error: 'DisabledException' })
    expect((await refusalOf(decrypt())).name).toBe('DisabledException')
    expect((await refusalOf(decrypt())).name).toBe('DisabledException')
  })

  it('is shown as pending, with its date', async () => {
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }))
    expect(KeyMetadata).toMatchObject({ KeyState: 'PendingDeletion', Enabled: false })
    const days = ((KeyMetadata?.DeletionDate?.getTime() ?? 0) - Date.now()) / 86_400_000
    expect(days).toBeCloseTo(7, 2)
  })

  it('cannot be enabled, and comes back disabled when its deletion is cancelled', async () => {
    expect((await refusalOf(kms.send(new EnableKeyCommand({ KeyId })))).name).toBe('KMSInvalidStateException')
    await kms.send(new CancelKeyDeletionCommand({ KeyId }))
    expect(await stateShown()).toBe('Disabled')
    await kms.send(new EnableKeyCommand({ KeyId }))
    await expect(decrypt()).resolves.toMatchObject({ KeyId })
  })

  it('is gone for good after its window, with a DeleteKey event as the proof', async () => {
    control.advanceClock({ ms: 7 * 86_400_000 })
    expect((await refusalOf(kms.send(new DescribeKeyCommand({ KeyId })))).name).toBe('NotFoundException')
    expect((await refusalOf(decrypt())).name).toBe('AccessDeniedException')
    const [proof] = control.events({ eventName: 'DeleteKey' })
    expect(proof).toMatchObject({ eventType: 'AwsServiceEvent', resources: [{ ARN: KeyId }] })
    expect(proof).not.toHaveProperty('requestID')
  })
})

describe('keys in other states', () => {
  it.each(['PendingImport', 'Unavailable', 'Creating', 'Updating', 'PendingReplicaDeletion'] as const)(
    'answer KMSInvalidStateException when %s',
    async (state) => {
      control.setKeyState({ keyId: KeyId, state })
      expect(await refusalOf(decrypt())).toMatchObject({ name: 'KMSInvalidStateException', status: 400 })
    },
  )

  it('answer NotFoundException when they do not exist or live in another region', async () => {
    const ghost = KeyId.replace(/[^/]+$/, '00000000-0000-4000-8000-000000000001')
    expect(await refusalOf(kms.send(new DescribeKeyCommand({ KeyId: ghost })))).toMatchObject({
      name: 'NotFoundException',
      status: 400,
      message: `Key '${ghost}' does not exist`,
    })
    const elsewhere = world.kms(
      control.createAccessKey({ principalArn: 'arn:aws:iam::111122223333:root' }),
      'us-east-1',
    )
    expect((await refusalOf(elsewhere.send(new DescribeKeyCommand({ KeyId })))).message).toBe(
      'Invalid arn eu-central-1',
    )
  })
})

describe('with a delay of effect', () => {
  it('shows a change at once, obeys it only after the delay', async () => {
    control.setEffectDelay({ effectDelayMs: 5000 })
    await kms.send(new DisableKeyCommand({ KeyId }))
    expect(await stateShown()).toBe('Disabled')
    control.advanceClock({ ms: 4000 })
    await expect(decrypt()).resolves.toMatchObject({ KeyId })
    control.advanceClock({ ms: 1001 })
    expect((await refusalOf(decrypt())).name).toBe('DisabledException')
  })

  it('delays key policies and role policies alike', async () => {
    const role = await world.roleKms()
    const ask = async () => role.send(new DecryptCommand({ CiphertextBlob }))
    control.setEffectDelay({ effectDelayMs: 5000 })
    control.putPolicies({ principalArn: world.roleArn, policies: [] })
    await expect(ask()).resolves.toMatchObject({ KeyId })
    control.advanceClock({ ms: 5001 })
    expect((await refusalOf(ask())).message).toContain(
      'because no identity-based policy allows the kms:Decrypt action',
    )

    const Policy = JSON.stringify({
      Statement: [
        { Effect: 'Allow', Principal: { AWS: '111122223333' }, Action: 'kms:PutKeyPolicy', Resource: '*' },
      ],
    })
    await kms.send(new PutKeyPolicyCommand({ KeyId, Policy }))
    await expect(decrypt()).resolves.toMatchObject({ KeyId })
    control.advanceClock({ ms: 5001 })
    expect((await refusalOf(decrypt())).message).toContain(
      'because no resource-based policy allows the kms:Decrypt action',
    )
  })
})
