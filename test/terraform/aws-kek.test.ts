import { describe, expect, it } from 'vitest'
import { AwsKekProvider } from '#kms/aws/aws-kek-provider.ts'
import { awsGrantDocuments, newAwsExternalId } from '#kms/aws/grant-documents.ts'
import { AwsGrantLinter } from '#kms/aws/lint-grant.ts'
import { refusalOf, renderModule } from '../support/terraform.ts'
import { startAwsAccounts } from '../unit/kms/aws/emulated-customer.ts'
import { isServing } from '../support/record-context.ts'

const ORG = '01980f3e-7a00-7000-8000-000000000001'
const KEK_ID = '01980f3e-7a00-7000-8000-000000000003'
const KEY_ID = '1234abcd-12ab-34cd-56ef-1234567890ab'

/** An emulated AWS in which Terraform's own output is all that was granted. */
async function startWithRenderedPolicies() {
  const accounts = await startAwsAccounts()
  const { clients, control, own } = accounts
  const { accountId, rootArn } = accounts.customer
  const keyArn = `arn:aws:kms:eu-central-1:${accountId}:key/${KEY_ID}`
  const roleArn = `arn:aws:iam::${accountId}:role/hasp-kek`
  const externalId = newAwsExternalId()
  const names = { org_id: ORG, external_id: externalId, hasp_principal_arn: own.arn }
  const rendered = await renderModule('aws-kek/policies', {
    ...names,
    role_arn: roleArn,
    key_arn: keyArn,
    account_root_arn: rootArn,
  })
  const policyOf = (output: string) => JSON.parse(rendered[output] ?? '')
  control.createRole({
    accountId,
    name: 'hasp-kek',
    trustPolicy: policyOf('trust_policy'),
    policies: [policyOf('permissions_policy')],
    sessionSecondsMax: 3600,
  })
  control.createKey({ accountId, keyId: KEY_ID, policy: policyOf('key_policy') })
  const kek = { kekId: KEK_ID, keyArn, roleArn, externalId }
  return {
    rendered,
    grant: awsGrantDocuments({ keyArn, roleArn, externalId, orgId: ORG, principalArn: own.arn }),
    provider: new AwsKekProvider(kek, clients),
    linter: new AwsGrantLinter(kek, clients, own.arn),
    [Symbol.asyncDispose]: () => accounts[Symbol.asyncDispose](),
  }
}

describe('the policies that terraform/aws-kek makes', () => {
  it('let exactly our own calls pass, and refuse every other that the linter knows', async () => {
    await using aws = await startWithRenderedPolicies()
    expect(await isServing(aws.provider)).toBe(true)

    const { findings, probes } = await aws.linter.lint({
      orgId: ORG,
      foreignOrgId: '01980f3e-7a00-7000-8000-00000000000f',
      beforeUnwrap: async () => () => {},
    })
    expect(findings).toEqual([])
    expect(probes.filter(({ outcome }) => outcome !== 'refused')).toEqual([])
    expect(probes.length).toBeGreaterThan(20)
  })

  it('are the same as the raw ones that Hasp prints', async () => {
    await using aws = await startWithRenderedPolicies()
    const printed = (title: RegExp) =>
      JSON.parse(aws.grant.documents.find((document) => title.test(document.title))?.body ?? '')
    expect(JSON.parse(aws.rendered['trust_policy'] ?? '')).toEqual(printed(/^Trust/))
    expect(JSON.parse(aws.rendered['permissions_policy'] ?? '')).toEqual(printed(/^Permissions/))
    expect(JSON.parse(aws.rendered['key_policy_statements'] ?? '')).toEqual(printed(/^Statements/))
  })

  it.each([
    ['org_id', 'my-company', 'UUID'],
    ['external_id', 'chosen-by-myself', 'made for this KEK'],
    ['hasp_principal_arn', 'arn:aws:iam::444455556666:root', 'no account, no wildcard'],
    ['hasp_principal_arn', 'arn:aws:iam::444455556666:role/*', 'no account, no wildcard'],
    ['key_arn', 'arn:aws:kms:eu-central-1:111122223333:alias/kek', 'not an alias'],
  ])('are not made of a %s such as %s', async (name, value, sentence) => {
    const good = {
      org_id: ORG,
      external_id: newAwsExternalId(),
      hasp_principal_arn: 'arn:aws:iam::444455556666:role/hasp',
      role_arn: 'arn:aws:iam::111122223333:role/hasp-kek',
      key_arn: `arn:aws:kms:eu-central-1:111122223333:key/${KEY_ID}`,
      account_root_arn: 'arn:aws:iam::111122223333:root',
    }
    expect(await refusalOf('aws-kek/policies', { ...good, [name]: value })).toContain(sentence)
  })
})
