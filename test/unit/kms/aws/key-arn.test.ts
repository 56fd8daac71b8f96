import { describe, expect, it } from 'vitest'
import { awsEndpoint, parseAwsKeyArn, parseAwsRoleArn, requireRoleBeside } from '#kms/aws/key-arn.ts'

const KEY_ID = '1234abcd-12ab-34cd-56ef-1234567890ab'
const arnOf = (partition: string, region: string, resource = `key/${KEY_ID}`) =>
  `arn:${partition}:kms:${region}:111122223333:${resource}`

describe('the ARN of a customer’s KMS key', () => {
  it.each([
    ['aws', 'eu-central-1', 'https://kms.eu-central-1.amazonaws.com'],
    ['aws', 'ap-southeast-4', 'https://kms.ap-southeast-4.amazonaws.com'],
    ['aws-cn', 'cn-northwest-1', 'https://kms.cn-northwest-1.amazonaws.com.cn'],
    ['aws-us-gov', 'us-gov-west-1', 'https://kms.us-gov-west-1.amazonaws.com'],
  ])(
    'in partition %s and region %s is called at that partition’s own endpoint',
    (partition, region, endpoint) => {
      const key = parseAwsKeyArn(arnOf(partition, region))
      expect(key).toMatchObject({ partition, region, accountId: '111122223333', keyId: KEY_ID })
      expect(awsEndpoint('kms', key)).toBe(endpoint)
    },
  )

  it.each([
    ['an alias', arnOf('aws', 'eu-west-1', 'alias/hasp'), 'alias-refused'],
    ['a bare key id', KEY_ID, 'malformed-arn'],
    ['an alias name', 'alias/hasp', 'malformed-arn'],
    ['nothing', '', 'malformed-arn'],
    ['another service', `arn:aws:s3:eu-west-1:111122223333:key/${KEY_ID}`, 'malformed-key-arn'],
    ['an unknown partition', arnOf('aws-iso', 'us-iso-east-1'), 'unknown-partition'],
    ['a property name as partition', arnOf('constructor', 'eu-west-1'), 'unknown-partition'],
    ['a region of another partition', arnOf('aws', 'cn-north-1'), 'unknown-region'],
    ['a commercial region in China', arnOf('aws-cn', 'eu-west-1'), 'unknown-region'],
    ['an isolated region', arnOf('aws', 'us-iso-east-1'), 'unknown-region'],
    ['a host in place of a region', arnOf('aws', 'evil.example#'), 'unknown-region'],
    ['a region with a newline', arnOf('aws', 'eu-west-1\n'), 'unknown-region'],
    ['an empty region', arnOf('aws', ''), 'unknown-region'],
    ['a short account', `arn:aws:kms:eu-west-1:1111:key/${KEY_ID}`, 'malformed-arn'],
    ['a wildcard', arnOf('aws', 'eu-west-1', 'key/*'), 'malformed-key-arn'],
    ['a path after the id', arnOf('aws', 'eu-west-1', `key/${KEY_ID}/x`), 'malformed-key-arn'],
    ['more colons', arnOf('aws', 'eu-west-1', `key/${KEY_ID}:1`), 'malformed-arn'],
    [
      'of a multi-region key',
      arnOf('aws', 'eu-west-1', `key/mrk-${'0a'.repeat(16)}`),
      'multi-region-refused',
    ],
    ['too much text', arnOf('aws', 'eu-west-1', `key/${'a'.repeat(4096)}`), 'malformed-arn'],
  ])('is refused as misconfigured when it is %s', (_, arn, code) => {
    expect(() => parseAwsKeyArn(arn)).toThrow(
      expect.objectContaining({ name: 'KekFault', kind: 'misconfigured', code }),
    )
  })

  it('is never repeated in a refusal', () => {
    for (const arn of [arnOf('aws', 'mars'), arnOf('aws', 'eu-west-1', 'alias/x')]) {
      expect(() => parseAwsKeyArn(arn)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('1111') }),
      )
    }
  })
})

describe('the ARN of the role to assume', () => {
  const key = parseAwsKeyArn(arnOf('aws', 'eu-west-1'))

  it('may have a path', () => {
    const arn = 'arn:aws:iam::111122223333:role/service/hasp/unwrap@1'
    expect(parseAwsRoleArn(arn)).toEqual({ arn, partition: 'aws', accountId: '111122223333' })
  })

  it.each([
    ['a user', 'arn:aws:iam::111122223333:user/x', 'malformed-role-arn'],
    ['a role with a region', 'arn:aws:iam:eu-west-1:111122223333:role/x', 'malformed-role-arn'],
    ['a role without a name', 'arn:aws:iam::111122223333:role/', 'malformed-role-arn'],
    ['a role in another account', 'arn:aws:iam::999922223333:role/x', 'role-in-other-account'],
    ['a role in another partition', 'arn:aws-cn:iam::111122223333:role/x', 'role-in-other-account'],
  ])('is refused when it is %s', (_, arn, code) => {
    expect(() => requireRoleBeside(key, arn)).toThrow(
      expect.objectContaining({ kind: 'misconfigured', code }),
    )
  })
})
