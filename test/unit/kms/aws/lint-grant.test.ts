import { describe, expect, it } from 'vitest'
import { startGrantedKey, type Overgrant } from './granted-key.ts'

type Policy = { Version: string; Statement: object[] }

const also =
  (statement: object) =>
  (printed: Policy): object => ({ ...printed, Statement: [...printed.Statement, statement] })
const andAction = (Action: string | string[]): Overgrant => ({
  permissions: also({ Effect: 'Allow', Action, Resource: '*' }),
})
/** The printed trust policy with another condition, or none. */
const trustWith =
  (Condition: object | undefined) =>
  ({ Version, Statement: [first] }: Policy): object => ({
    Version,
    Statement: [{ ...first, ...(Condition === undefined ? { Condition: {} } : { Condition }) }],
  })
/** The printed permissions with another condition on Encrypt and Decrypt, or none. */
const contextWith =
  (Condition: object) =>
  ({ Version, Statement }: Policy): object => ({
    Version,
    Statement: Statement.map((one) => ('Condition' in one ? { ...one, Condition } : one)),
  })
/** The role's policies alone decide. */
const accountDecides = { keyStatements: () => [] }

const dangerous: readonly (readonly [what: string, over: Overgrant, codes: string[]])[] = [
  [
    'a trust policy without the ExternalId',
    { trust: trustWith(undefined) },
    ['aws-external-id-not-required'],
  ],
  [
    'a trust policy that takes any ExternalId of Hasp’s',
    { trust: trustWith({ StringLike: { 'sts:ExternalId': 'hasp-*' } }) },
    ['aws-external-id-not-pinned'],
  ],
  [
    'no condition on the encryption context',
    { ...accountDecides, permissions: contextWith({}) },
    [
      'aws-decrypt-foreign-context',
      'aws-decrypt-without-context',
      'aws-encrypt-foreign-context',
      'aws-encrypt-without-context',
    ],
  ],
  [
    'a condition …IfExists on the encryption context',
    {
      ...accountDecides,
      permissions: contextWith({
        StringEqualsIfExists: { 'kms:EncryptionContext:hasp:org': '01980f3e-7a00-7000-8000-000000000001' },
      }),
    },
    ['aws-decrypt-without-context', 'aws-encrypt-without-context'],
  ],
  [
    'a condition that takes every organisation',
    {
      ...accountDecides,
      permissions: contextWith({ StringLike: { 'kms:EncryptionContext:hasp:org': '*' } }),
    },
    ['aws-decrypt-foreign-context', 'aws-encrypt-foreign-context'],
  ],
]

const surplus: readonly (readonly [what: string, over: Overgrant, codes: string[]])[] = [
  ['kms:GenerateDataKey', andAction('kms:GenerateDataKey*'), ['aws-generate-data-key']],
  ['kms:ReEncrypt', andAction('kms:ReEncrypt*'), ['aws-re-encrypt']],
  ['kms:CreateGrant', andAction('kms:CreateGrant'), ['aws-create-grant']],
  ['kms:RevokeGrant', andAction('kms:RevokeGrant'), ['aws-revoke-grant']],
  ['kms:ListGrants', andAction('kms:ListGrants'), ['aws-list-grants']],
  ['kms:GetKeyPolicy', andAction('kms:GetKeyPolicy'), ['aws-get-key-policy']],
  ['kms:ListResourceTags', andAction('kms:ListResourceTags'), ['aws-read-metadata']],
  ['kms:ListKeys', andAction('kms:ListKeys'), ['aws-list-keys']],
  ['kms:Sign', andAction('kms:Sign'), ['aws-sign']],
  ['a long session', { sessionSecondsMax: 43_200 }, ['aws-role-session-long']],
  [
    'rights in the key policy that have no dry run',
    {
      ...andAction('kms:GetKeyPolicy'),
      keyStatements: ([crypto, describe]) => [
        { ...crypto, ...describe },
        { ...crypto },
        { ...describe, Action: ['kms:DescribeKey', 'kms:ScheduleKey*', 'kms:PutKeyPolicy', 'kms:EnableKey'] },
      ],
    },
    ['aws-change-key-state', 'aws-delete-key', 'aws-get-key-policy', 'aws-put-key-policy'],
  ],
]

describe('the linter of an AWS grant', () => {
  it('finds nothing in exactly what Hasp printed, and proves it by refusals alone', async () => {
    await using granted = await startGrantedKey()
    const { findings, probes } = await granted.lint()
    expect(findings).toEqual([])
    expect(probes.filter(({ outcome }) => outcome !== 'refused')).toEqual([])
    expect(probes.length).toBeGreaterThanOrEqual(20)
    for (const probe of probes) expect(probe.kmsRequestId, probe.action).toMatch(/^[0-9a-f-]{36}$/)
  })

  it.each(dangerous)('calls %s dangerous', async (_, over, codes) => {
    await using granted = await startGrantedKey(over)
    const { findings } = await granted.lint()
    expect(findings.map(({ code }) => code).toSorted()).toEqual(codes)
    expect(findings.every(({ severity }) => severity === 'dangerous')).toBe(true)
  })

  it.each(surplus)('names %s as a surplus right that blocks nothing', async (_, over, codes) => {
    await using granted = await startGrantedKey(over)
    const { findings } = await granted.lint()
    expect(findings.map(({ code }) => code).toSorted()).toEqual(codes)
    expect(findings.some(({ severity }) => severity === 'dangerous')).toBe(false)
  })

  it('names everything of kms:* at once, and what it opens of the other keys', async () => {
    await using granted = await startGrantedKey({ ...accountDecides, ...andAction('kms:*') })
    granted.control.createKey({ accountId: granted.accountId })
    const { findings } = await granted.lint()
    const codes = findings.map(({ code }) => code)
    expect(new Set(codes).size).toBe(codes.length)
    expect(codes).toEqual(
      expect.arrayContaining([
        'aws-decrypt-without-context',
        'aws-decrypt-foreign-context',
        'aws-encrypt-without-context',
        'aws-encrypt-foreign-context',
        'aws-generate-data-key',
        'aws-re-encrypt',
        'aws-create-grant',
        'aws-revoke-grant',
        'aws-get-key-policy',
        'aws-read-metadata',
        'aws-list-keys',
        'aws-other-keys',
        'aws-sign',
      ]),
    )
  })

  it('calls a key policy for everybody dangerous', async () => {
    const open = { Effect: 'Allow', Principal: '*', Action: 'kms:GetKeyPolicy', Resource: '*' }
    await using granted = await startGrantedKey({ keyStatements: (printed) => [...printed, open] })
    const { findings } = await granted.lint()
    expect(findings.map(({ code }) => code)).toEqual(['aws-get-key-policy', 'aws-key-policy-open'])
  })

  it('says of a direct grant that it is weaker, and nothing else', async () => {
    await using granted = await startGrantedKey({ shape: 'direct' })
    const { findings } = await granted.lint()
    expect(findings.map(({ code, severity }) => [code, severity])).toEqual([['aws-no-role', 'notice']])
  })

  it('finds the missing context of a direct grant as well', async () => {
    await using granted = await startGrantedKey({
      shape: 'direct',
      keyStatements: (printed) => printed.map((one) => ({ ...one, Condition: {} })),
    })
    const codes = (await granted.lint()).findings.map(({ code }) => code)
    expect(codes).toContain('aws-decrypt-without-context')
    expect(codes).toContain('aws-decrypt-foreign-context')
  })

  it('leaves the key, its policy and its state as they were, and its owner every call in the trail', async () => {
    await using granted = await startGrantedKey({ ...accountDecides, ...andAction('kms:*') })
    const { probes } = await granted.lint()
    const events = granted.control.events({ accountId: granted.accountId })
    const changes = events.filter(({ readOnly, errorCode }) => !readOnly && errorCode === undefined)
    expect(changes).toEqual([])
    const seen = new Set(events.map(({ requestID }) => requestID))
    // A denied AssumeRole is in the caller's trail alone.
    const ofKms = probes.filter(({ action }) => action.startsWith('kms:'))
    expect(ofKms.filter(({ kmsRequestId }) => !seen.has(kmsRequestId ?? ''))).toEqual([])
    expect(ofKms.length).toBeGreaterThan(20)
  })

  it('announces each Decrypt before it is made, and tells how it ended', async () => {
    await using granted = await startGrantedKey()
    await granted.lint()
    const { begun, ended } = granted.unwraps()
    const decrypts = granted.control.events({ accountId: granted.accountId, eventName: 'Decrypt' })
    expect(begun).toBe(2)
    expect(new Set(ended.map(({ kmsRequestId }) => kmsRequestId))).toEqual(
      new Set(decrypts.map(({ requestID }) => requestID)),
    )
    expect(ended).toHaveLength(begun)
  })

  it('is not a verdict where the role can not be assumed', async () => {
    await using granted = await startGrantedKey({
      trust: trustWith({ StringEquals: { 'sts:ExternalId': 'somebody-elses' } }),
    })
    await expect(granted.lint()).rejects.toMatchObject({ kind: 'revoked', code: 'AccessDenied' })
  })

  it('holds nothing of the customer’s in its texts: no account, ARN or ExternalId', async () => {
    await using granted = await startGrantedKey({ ...accountDecides, ...andAction('kms:*') })
    const said = JSON.stringify(await granted.lint())
    for (const own of [granted.accountId, granted.externalId, 'arn:']) expect(said).not.toContain(own)
  })
})

describe('the owner of an AWS key', () => {
  it('is proven by the role that lets Hasp in by the ExternalId', async () => {
    await using granted = await startGrantedKey()
    const { proof } = await granted.linter.proveOwnership(granted.externalId)
    expect(proof).toContain('ExternalId')
  })

  it('is proven without a role by the word in the description of the key', async () => {
    await using granted = await startGrantedKey({
      shape: 'direct',
      description: (externalId) => `KEK of our LLM proxy ${externalId}`,
    })
    const { proof } = await granted.linter.proveOwnership(granted.externalId)
    expect(proof).toContain('description')
  })

  it.each([
    ['is empty', () => ''],
    ['holds another word', () => 'hasp-00000000-0000-4000-8000-000000000000'],
    ['holds the word only as a part of another', (externalId: string) => `${externalId}0`],
  ])('is not proven without a role where the description %s', async (_, description) => {
    await using granted = await startGrantedKey({ shape: 'direct', description })
    await expect(granted.linter.proveOwnership(granted.externalId)).rejects.toMatchObject({
      kind: 'misconfigured',
      code: 'ownership-not-proven',
    })
  })
})
