import { awsGrantDocuments, newAwsExternalId } from '#kms/aws/grant-documents.ts'
import { AwsGrantLinter } from '#kms/aws/lint-grant.ts'
import type { GrantLint } from '#kms/kek-grant-linter.ts'
import { startAwsAccounts } from './emulated-customer.ts'

const ORG = '01980f3e-7a00-7000-8000-000000000001'
const FOREIGN_ORG = '01980f3e-7a00-7000-8000-00000000000f'
const KEK_ID = '01980f3e-7a00-7000-8000-000000000003'
const KEY_ID = '1234abcd-12ab-34cd-56ef-1234567890ab'

type Policy = { Version: string; Statement: object[] }

/** What a customer may change of the grant that Hasp printed. */
export type Overgrant = Readonly<{
  shape?: 'role' | 'direct'
  /** The role's trust policy; what Hasp printed otherwise. */
  trust?: (printed: Policy) => object
  permissions?: (printed: Policy) => object
  keyStatements?: (printed: object[]) => object[]
  sessionSecondsMax?: number
  description?: (externalId: string) => string
}>

/** An emulated AWS where a customer pasted what Hasp printed, and then more. */
export async function startGrantedKey(over: Overgrant = {}) {
  const accounts = await startAwsAccounts()
  const { clients, control, own } = accounts
  const { accountId, rootArn } = accounts.customer
  const keyArn = `arn:aws:kms:eu-central-1:${accountId}:key/${KEY_ID}`
  const roleArn = over.shape === 'direct' ? null : `arn:aws:iam::${accountId}:role/hasp`
  const externalId = newAwsExternalId()
  const { documents } = awsGrantDocuments({ keyArn, roleArn, externalId, orgId: ORG, principalArn: own.arn })
  const printed = (title: string) =>
    JSON.parse(documents.find((document) => document.title.startsWith(title))?.body ?? '')
  if (roleArn !== null) {
    control.createRole({
      accountId,
      name: 'hasp',
      trustPolicy: { ...(over.trust ?? same)(printed('Trust')) },
      policies: [{ ...(over.permissions ?? same)(printed('Permissions')) }],
      ...(over.sessionSecondsMax === undefined ? {} : { sessionSecondsMax: over.sessionSecondsMax }),
    })
  }
  const administrators = { Effect: 'Allow', Principal: { AWS: rootArn }, Action: 'kms:*', Resource: '*' }
  const statements: object[] = (over.keyStatements ?? same)(printed('Statements'))
  control.createKey({
    accountId,
    keyId: KEY_ID,
    description: over.description?.(externalId) ?? '',
    policy: { Version: '2012-10-17', Statement: [administrators, ...statements] },
  })
  const unwraps: { code: string; kmsRequestId: string | undefined }[] = []
  let begun = 0
  const linter = new AwsGrantLinter({ kekId: KEK_ID, keyArn, roleArn, externalId }, clients, own.arn)
  return {
    control,
    accountId,
    roleArn,
    externalId,
    linter,
    /** Decrypts that were announced, and how each ended. */
    unwraps: () => ({ begun, ended: unwraps }),
    lint: (): Promise<GrantLint> =>
      linter.lint({
        orgId: ORG,
        foreignOrgId: FOREIGN_ORG,
        beforeUnwrap: async () => {
          begun += 1
          return (answer) => void unwraps.push(answer)
        },
      }),
    [Symbol.asyncDispose]: () => accounts[Symbol.asyncDispose](),
  }
}

function same<Value>(value: Value): Value {
  return value
}
