import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  DecryptCommand,
  DisableKeyCommand,
  EncryptCommand,
  PutKeyPolicyCommand,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms'
import { AssumeRoleCommand } from '@aws-sdk/client-sts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CloudTrail } from '#emulators/aws/trail/cloud-trail.ts'
import { CUSTOMER, EXTERNAL_ID, refusalOf, TwoAccounts, VENDOR } from './two-accounts.ts'

let world: TwoAccounts
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hasp-trail-'))
  world = await TwoAccounts.start({ auditLog: { ndjsonPath: join(folder, 'trail.ndjson') } })
})
afterEach(async () => {
  await world[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const context = { org: 'o-1' }
const Plaintext = Buffer.from('a-secret-that-no-trail-may-show')

describe('a successful Decrypt by an assumed role', () => {
  it('leaves the record that CloudTrail writes, found by the request id of the reply', async () => {
    const kms = await world.roleKms()
    const { CiphertextBlob } = await kms.send(
      new EncryptCommand({ KeyId: world.keyArn, Plaintext, EncryptionContext: context }),
    )
    const reply = await kms.send(new DecryptCommand({ CiphertextBlob, EncryptionContext: context }))
    const record = await world.emulator.control.waitForEvent({ requestId: reply.$metadata.requestId })
    expect(record).toEqual({
      eventVersion: '1.11',
      userIdentity: {
        type: 'AssumedRole',
        principalId: expect.stringMatching(/^AROA[A-Z2-7]{17}:hasp-test$/),
        arn: `arn:aws:sts::${CUSTOMER}:assumed-role/hasp-kek/hasp-test`,
        accountId: CUSTOMER,
        accessKeyId: expect.stringMatching(/^ASIA/),
        sessionContext: {
          sessionIssuer: {
            type: 'Role',
            principalId: expect.stringMatching(/^AROA[A-Z2-7]{17}$/),
            arn: world.roleArn,
            accountId: CUSTOMER,
            userName: 'hasp-kek',
          },
          attributes: {
            creationDate: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
            mfaAuthenticated: 'false',
          },
        },
      },
      eventTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      eventSource: 'kms.amazonaws.com',
      eventName: 'Decrypt',
      awsRegion: 'eu-central-1',
      sourceIPAddress: '127.0.0.1',
      userAgent: expect.stringContaining('aws-sdk-js'),
      requestParameters: { encryptionAlgorithm: 'SYMMETRIC_DEFAULT', encryptionContext: context },
      responseElements: null,
      additionalEventData: { keyMaterialId: reply.KeyMaterialId },
      requestID: reply.$metadata.requestId,
      eventID: expect.stringMatching(/^[0-9a-f-]{36}$/),
      readOnly: true,
      resources: [{ accountId: CUSTOMER, type: 'AWS::KMS::Key', ARN: world.keyArn }],
      eventType: 'AwsApiCall',
      managementEvent: true,
      recipientAccountId: CUSTOMER,
      eventCategory: 'Management',
    })
  })

  it('never shows plaintext, ciphertext or secret keys anywhere in the trails', async () => {
    const credentials = await world.assumeRole()
    const { CiphertextBlob } = await world
      .kms(credentials)
      .send(new EncryptCommand({ KeyId: world.keyArn, Plaintext, EncryptionContext: context }))
    const written = JSON.stringify(world.emulator.control.events())
    expect(written).toContain('"eventName":"Encrypt"')
    for (const secret of [
      Plaintext.toString(),
      Plaintext.toString('base64'),
      Buffer.from(CiphertextBlob ?? []).toString('base64'),
      credentials.secretAccessKey,
      world.vendor.secretAccessKey,
    ]) {
      expect(written).not.toContain(secret)
    }
  })
})

describe('a refused call', () => {
  it('carries errorCode and errorMessage, and its parameters unless access was denied', async () => {
    const kms = await world.roleKms()
    const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId: world.keyArn, Plaintext }))
    await world.owner.send(new DisableKeyCommand({ KeyId: world.keyArn }))
    await refusalOf(kms.send(new DecryptCommand({ CiphertextBlob, EncryptionContext: context })))
    expect(world.emulator.control.events({ eventName: 'Decrypt' })).toMatchObject([
      {
        errorCode: 'DisabledException',
        errorMessage: `${world.keyArn} is disabled.`,
        requestParameters: { encryptionContext: context },
        resources: [{ ARN: world.keyArn }],
        responseElements: null,
      },
    ])
    await refusalOf(kms.send(new ScheduleKeyDeletionCommand({ KeyId: world.keyArn })))
    const [denied] = world.emulator.control.events({ eventName: 'ScheduleKeyDeletion' })
    expect(denied).toMatchObject({
      errorCode: 'AccessDenied',
      requestParameters: null,
      recipientAccountId: CUSTOMER,
    })
    expect(denied).not.toHaveProperty('resources')
  })
})

describe('a call across accounts', () => {
  async function letVendorUseTheKey(): Promise<void> {
    const Policy = JSON.stringify({
      Statement: [
        { Effect: 'Allow', Principal: { AWS: CUSTOMER }, Action: 'kms:*', Resource: '*' },
        { Effect: 'Allow', Principal: { AWS: world.vendorArn }, Action: 'kms:Encrypt', Resource: '*' },
      ],
    })
    await world.owner.send(new PutKeyPolicyCommand({ KeyId: world.keyArn, Policy }))
  }
  const encrypt = async () =>
    world.kms(world.vendor).send(new EncryptCommand({ KeyId: world.keyArn, Plaintext }))

  it('is in both trails with one sharedEventID when it succeeds', async () => {
    await letVendorUseTheKey()
    const { $metadata } = await encrypt()
    const records = world.emulator.control.events({ requestId: $metadata.requestId })
    expect(records.map((record) => record.recipientAccountId).toSorted()).toEqual([CUSTOMER, VENDOR])
    expect(new Set(records.map((record) => record.sharedEventID)).size).toBe(1)
    expect(records[0]?.sharedEventID).toMatch(/^[0-9a-f-]{36}$/)
    expect(new Set(records.map((record) => record.eventID)).size).toBe(2)
  })

  it('is in the trail of the caller alone when access is denied', async () => {
    await refusalOf(encrypt())
    const records = world.emulator.control.events({ eventName: 'Encrypt' })
    expect(records.map((record) => record.recipientAccountId)).toEqual([VENDOR])
    expect(records[0]).not.toHaveProperty('sharedEventID')
  })

  it('is in both trails when the key itself refuses', async () => {
    await letVendorUseTheKey()
    await world.owner.send(new DisableKeyCommand({ KeyId: world.keyArn }))
    await refusalOf(encrypt())
    const records = world.emulator.control.events({ eventName: 'Encrypt' })
    expect(records.map((record) => record.errorCode)).toEqual(['DisabledException', 'DisabledException'])
  })
})

describe('AssumeRole', () => {
  it('is recorded for caller and role owner with the ExternalId, and never with the secret key', async () => {
    await world.assumeRole({ sessionName: 'deploy-7' })
    const records = world.emulator.control.events({ eventName: 'AssumeRole' })
    expect(records.map((record) => record.recipientAccountId).toSorted()).toEqual([CUSTOMER, VENDOR])
    expect(records[0]).toMatchObject({
      eventSource: 'sts.amazonaws.com',
      requestParameters: { roleArn: world.roleArn, roleSessionName: 'deploy-7', externalId: EXTERNAL_ID },
      responseElements: {
        assumedRoleUser: { arn: `arn:aws:sts::${CUSTOMER}:assumed-role/hasp-kek/deploy-7` },
      },
      resources: [{ accountId: CUSTOMER, type: 'AWS::IAM::Role', ARN: world.roleArn }],
    })
  })

  it('is recorded for the caller alone when it is refused', async () => {
    const wrong = new AssumeRoleCommand({
      RoleArn: world.roleArn,
      RoleSessionName: 'x1',
      ExternalId: 'wrong',
    })
    await refusalOf(world.sts(world.vendor).send(wrong))
    const records = world.emulator.control.events({ eventName: 'AssumeRole' })
    expect(records).toMatchObject([
      { errorCode: 'AccessDenied', recipientAccountId: VENDOR, responseElements: null },
    ])
  })
})

describe('the store of events', () => {
  it('writes every event to the NDJSON file, also those that memory has dropped', async () => {
    await world.owner.send(new DisableKeyCommand({ KeyId: world.keyArn }))
    world.emulator.control.clearEvents()
    await world[Symbol.asyncDispose]()
    const lines = (await readFile(join(folder, 'trail.ndjson'), 'utf8')).trimEnd().split('\n')
    expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([{ eventName: 'DisableKey' }])
  })

  it('keeps no more events than it may, the newest ones', async () => {
    const seen: string[] = []
    await using trail = await CloudTrail.open({
      eventsMax: 3,
      onEvent: (record) => seen.push(record.eventName),
    })
    for (let n = 0; n < 100; n++) {
      trail.deliver(
        {
          eventVersion: '1.11',
          userIdentity: {},
          eventTime: '2026-01-01T00:00:00Z',
          eventSource: 'kms.amazonaws.com',
          eventName: `Event${n}`,
          awsRegion: 'eu-central-1',
          sourceIPAddress: '127.0.0.1',
          userAgent: '',
          requestParameters: null,
          responseElements: null,
          readOnly: true,
          eventType: 'AwsApiCall',
          managementEvent: true,
          eventCategory: 'Management',
        },
        [CUSTOMER],
      )
    }
    expect(trail.events().map((record) => record.eventName)).toEqual(['Event97', 'Event98', 'Event99'])
    expect(seen).toHaveLength(100)
  })
})
