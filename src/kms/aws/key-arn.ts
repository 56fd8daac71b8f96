import { KekFault } from '#kms/kek-fault.ts'

/** The AWS partitions we serve, with the domain that all of a partition's endpoints end in. */
const PARTITIONS = {
  aws: { dnsSuffix: 'amazonaws.com', region: /^(?!cn-|us-gov-|us-iso)/ },
  'aws-cn': { dnsSuffix: 'amazonaws.com.cn', region: /^cn-/ },
  'aws-us-gov': { dnsSuffix: 'amazonaws.com', region: /^us-gov-/ },
} as const
type AwsPartition = keyof typeof PARTITIONS

const REGION = /^[a-z]{2}(-[a-z]+)+-\d$/
const ACCOUNT = /^\d{12}$/
const KEY_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const MULTI_REGION_KEY_ID = /^mrk-[0-9a-f]{32}$/
const ROLE_PATH_AND_NAME = /^(?:[\x21-\x2e\x30-\x7e]+\/)*[\w+=,.@-]{1,64}$/
const ARN_LENGTH_MAX = 2048

export type AwsKeyArn = Readonly<{
  /** The full ARN as given. */
  arn: string
  partition: AwsPartition
  region: string
  accountId: string
  keyId: string
}>

type AwsRoleArn = Readonly<{ arn: string; partition: AwsPartition; accountId: string }>

/**
 * Takes the full ARN of one KMS key apart and refuses all that could come to mean another key: aliases (an
 * alias can be pointed elsewhere), bare ids, and multi-region keys (each replica decrypts by itself, so disabling
 * one region revokes nothing in the others).
 *
 * @throws {KekFault} `misconfigured`, saying what to give instead.
 */
export function parseAwsKeyArn(arn: string): AwsKeyArn {
  const [partition, service, region, accountId, resource] = splitArn(arn)
  if (service !== 'kms') throw misconfigured('malformed-key-arn', 'Give the ARN of a KMS key.')
  if (resource.startsWith('alias/')) {
    throw misconfigured(
      'alias-refused',
      'An alias can be pointed at another key: give the ARN of the key itself.',
    )
  }
  if (!REGION.test(region) || !PARTITIONS[partition].region.test(region)) {
    throw misconfigured('unknown-region', 'The region in the key ARN is not one of its partition.')
  }
  requireAccount(accountId)
  const keyId = resource.startsWith('key/') ? resource.slice('key/'.length) : ''
  if (MULTI_REGION_KEY_ID.test(keyId)) {
    throw misconfigured(
      'multi-region-refused',
      'A multi-region key stays usable in its other regions after you disable it in one: give a single-region key.',
    )
  }
  if (!KEY_ID.test(keyId)) {
    throw misconfigured('malformed-key-arn', 'The key ARN must end in key/ and the id of the key (a UUID).')
  }
  return { arn, partition, region, accountId, keyId }
}

/** @throws {KekFault} `misconfigured` when `arn` is not the full ARN of an IAM role. */
export function parseAwsRoleArn(arn: string): AwsRoleArn {
  const [partition, service, region, accountId, resource] = splitArn(arn)
  const name = resource.startsWith('role/') ? resource.slice('role/'.length) : ''
  if (service !== 'iam' || region !== '' || !ROLE_PATH_AND_NAME.test(name)) {
    throw misconfigured('malformed-role-arn', 'Give the full ARN of an IAM role (arn:aws:iam::…:role/…).')
  }
  requireAccount(accountId)
  return { arn, partition, accountId }
}

/**
 * Parses a role that is to be assumed for `key`: it must live in the key's own account, so that every refusal is
 * in the trail of the account that owns the key.
 * @throws {KekFault} `misconfigured`
 */
export function requireRoleBeside(kmsKey: AwsKeyArn, roleArn: string): AwsRoleArn {
  const role = parseAwsRoleArn(roleArn)
  if (role.accountId === kmsKey.accountId && role.partition === kmsKey.partition) return role
  throw misconfigured('role-in-other-account', 'The role must be in the same AWS account as the key.')
}

/**
 * The only hosts that our signed requests go to: made of the partition and the checked region, never of
 * anything else that a customer gave.
 */
export function awsEndpoint(service: 'kms' | 'sts', { partition, region }: AwsKeyArn): string {
  return `https://${service}.${region}.${PARTITIONS[partition].dnsSuffix}`
}

function splitArn(arn: string): [AwsPartition, string, string, string, string] {
  const [prefix, partition = '', service = '', region = '', accountId = '', ...resource] =
    arn.length <= ARN_LENGTH_MAX ? arn.split(':') : []
  if (prefix !== 'arn' || resource.length !== 1) {
    throw misconfigured('malformed-arn', 'Give a full ARN (arn:aws:…), not a bare id or name.')
  }
  if (!isPartition(partition)) {
    throw misconfigured('unknown-partition', 'The ARN must be of partition aws, aws-cn or aws-us-gov.')
  }
  return [partition, service, region, accountId, resource.join(':')]
}

function isPartition(name: string): name is AwsPartition {
  return Object.hasOwn(PARTITIONS, name)
}

function requireAccount(accountId: string): void {
  if (!ACCOUNT.test(accountId)) {
    throw misconfigured('malformed-arn', 'The account in the ARN must be 12 digits.')
  }
}

function misconfigured(code: string, message: string): KekFault {
  return new KekFault('misconfigured', code, message)
}
