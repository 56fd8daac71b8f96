import { describe, expect, it } from 'vitest'
import { generateDek } from '#envelope/record-key.ts'
import { AwsKekProvider } from '#kms/aws/aws-kek-provider.ts'
import { awsGrantDocuments, newAwsExternalId } from '#kms/aws/grant-documents.ts'
import { startAwsAccounts } from './emulated-customer.ts'
import { CONTEXT, isServing } from '../../../support/record-context.ts'

const ORG = '01980f3e-7a00-7000-8000-000000000001'
const KEY_ID = '1234abcd-12ab-34cd-56ef-1234567890ab'

/** An AWS in which the customer pasted exactly what Hasp printed, and granted nothing else. */
async function startWithPastedGrant(shape: 'role' | 'direct') {
  const accounts = await startAwsAccounts()
  const { clients, control, own } = accounts
  const { accountId, rootArn } = accounts.customer
  const keyArn = `arn:aws:kms:eu-central-1:${accountId}:key/${KEY_ID}`
  const roleArn = shape === 'role' ? `arn:aws:iam::${accountId}:role/hasp` : null
  const externalId = newAwsExternalId()
  const { documents } = awsGrantDocuments({ keyArn, roleArn, externalId, orgId: ORG, principalArn: own.arn })
  const pasted = (title: string) =>
    JSON.parse(documents.find((document) => document.title.startsWith(title))?.body ?? '')
  if (roleArn !== null) {
    control.createRole({
      accountId,
      name: 'hasp',
      trustPolicy: pasted('Trust'),
      policies: [pasted('Permissions')],
    })
  }
  const owner = { Effect: 'Allow', Principal: { AWS: rootArn }, Action: 'kms:Put*', Resource: '*' }
  const policy = { Version: '2012-10-17', Statement: [owner, ...pasted('Statements')] }
  control.createKey({ accountId, keyId: KEY_ID, policy })
  return {
    provider: new AwsKekProvider({ kekId: CONTEXT.kek, keyArn, roleArn, externalId }, clients),
    [Symbol.asyncDispose]: () => accounts[Symbol.asyncDispose](),
  }
}

describe.each(['role', 'direct'] as const)('the grant that Hasp prints for the %s shape', (shape) => {
  it('is enough to wrap, unwrap and describe', async () => {
    await using aws = await startWithPastedGrant(shape)
    expect(await isServing(aws.provider)).toBe(true)
  })

  it('opens nothing for another organisation', async () => {
    await using aws = await startWithPastedGrant(shape)
    using dek = generateDek()
    const foreign = { ...CONTEXT, org: '01980f3e-7a00-7000-8000-00000000000f' }
    await expect(aws.provider.wrap(dek, foreign)).rejects.toMatchObject({
      kind: 'revoked',
      code: 'AccessDeniedException',
    })
  })
})

it('every ExternalId is new', () => {
  expect(new Set(Array.from({ length: 100 }, newAwsExternalId)).size).toBe(100)
})

describe('the forms of one grant', () => {
  const roleArn = 'arn:aws:iam::111122223333:role/security/hasp'
  const grant = awsGrantDocuments({
    keyArn: `arn:aws:kms:eu-central-1:111122223333:key/${KEY_ID}`,
    roleArn,
    externalId: newAwsExternalId(),
    orgId: ORG,
    principalArn: 'arn:aws:iam::444455556666:role/hasp',
  })

  it('name the role, its path and the key alike', () => {
    expect(grant.terraform?.body).toMatch(/role_name +=.*"hasp"/)
    expect(grant.terraform?.body).toMatch(/role_path +=.*"\/security\/"/)
    expect(grant.cli.body).toContain('--role-name hasp --path /security/')
    for (const form of [grant.terraform?.body, grant.cli.body]) expect(form).toContain(KEY_ID)
  })

  it('carry the same policies on the command line as raw', () => {
    const onCommandLine = [...grant.cli.body.matchAll(/(?:TRUST_POLICY=|-document )'([^']+)'/g)].map(
      ([, text = '']) => JSON.parse(text),
    )
    const raw = grant.documents.slice(0, 2).map(({ body }) => JSON.parse(body))
    expect(onCommandLine).toEqual(raw)
  })
})
