import { randomUUID } from 'node:crypto'
import type { GrantDocument, LogCheck } from '#kms/kek-grant-linter.ts'
import { awsCliForm, awsLogCheck, awsTerraformForm, directCliForm } from './grant-forms.ts'
import { parseAwsKeyArn } from './key-arn.ts'

/** What the customer is to grant, ready to paste, in three forms that come to the same. */
type AwsGrant = Readonly<{
  summary: string
  documents: readonly GrantDocument[]
  terraform?: GrantDocument
  cli: GrantDocument
  logCheck: LogCheck
}>

export type GrantInput = Readonly<{
  keyArn: string
  /** Null for the direct shape: the key policy names Hasp's own principal. */
  roleArn: string | null
  externalId: string
  /** The organisation whose records alone the grant may open. */
  orgId: string
  /** Hasp's own principal: a role's or user's full ARN, never an account. */
  principalArn: string
}>

/**
 * A new ExternalId, which Hasp makes and nobody chooses: it stops a stranger from naming your role as theirs
 * (IAM User Guide, "The confused deputy problem").
 */
export function newAwsExternalId(): string {
  return `hasp-${randomUUID()}`
}

/** The policies that let Hasp use one key for one organisation's records, and for nothing else. */
export function awsGrantDocuments(input: GrantInput): AwsGrant {
  const { keyArn, roleArn, externalId, orgId, principalArn } = input
  const keyPolicy = statements(orgId, { principal: roleArn ?? principalArn, resource: '*' })
  const statementsForKey = { title: 'Statements for the key policy', body: json(keyPolicy) }
  const logCheck = awsLogCheck(parseAwsKeyArn(keyArn).region)
  if (roleArn === null) {
    return {
      summary: `Add the statements to the key policy, and the word ${externalId} to the description of the key, which shows that it is yours. Refused calls after a revocation are then not in your trail: prefer a role.`,
      documents: [statementsForKey],
      cli: directCliForm(input),
      logCheck,
    }
  }
  const trustPolicy = json(policy([trust(principalArn, externalId)]))
  const permissions = json(policy(statements(orgId, { resource: keyArn })))
  return {
    summary:
      'Create the role in the account of the key with both policies. Where the policy of the key does not leave the decision to IAM, add the statements to it.',
    documents: [
      { title: 'Trust policy of the role', body: trustPolicy },
      { title: 'Permissions policy of the role', body: permissions },
      statementsForKey,
    ],
    terraform: awsTerraformForm({ ...input, roleArn }),
    cli: awsCliForm({ keyArn, roleArn, trustPolicy, permissions }),
    logCheck,
  }
}

function trust(principalArn: string, externalId: string) {
  return {
    Sid: 'HaspAssumesThisRole',
    Effect: 'Allow',
    Principal: { AWS: principalArn },
    Action: 'sts:AssumeRole',
    Condition: { StringEquals: { 'sts:ExternalId': externalId } },
  }
}

/** DescribeKey stands apart: it carries no encryption context, so that a condition on it would always fail. */
function statements(orgId: string, { principal, resource }: { principal?: string; resource: string }) {
  const whom = principal === undefined ? {} : { Principal: { AWS: principal } }
  return [
    {
      Sid: 'HaspWrapsAndUnwraps',
      Effect: 'Allow',
      ...whom,
      Action: ['kms:Encrypt', 'kms:Decrypt'],
      Resource: resource,
      Condition: { StringEquals: { 'kms:EncryptionContext:hasp:org': orgId } },
    },
    { Sid: 'HaspReadsTheKeyState', Effect: 'Allow', ...whom, Action: 'kms:DescribeKey', Resource: resource },
  ]
}

function policy(statements: readonly object[]) {
  return { Version: '2012-10-17', Statement: statements }
}

function json(value: object): string {
  return JSON.stringify(value, null, 2)
}
