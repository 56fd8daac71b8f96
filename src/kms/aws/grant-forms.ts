import type { GrantDocument } from '#kms/kek-grant-linter.ts'
import type { GrantInput } from './grant-documents.ts'

/** The same grant as a call of the module in terraform/aws-kek. */
export function awsTerraformForm(input: GrantInput & { roleArn: string }): GrantDocument {
  const { path, name } = roleNameOf(input.roleArn)
  const variables: [name: string, value: string][] = [
    ['hasp_principal_arn', input.principalArn],
    ['org_id', input.orgId],
    ['external_id', input.externalId],
    ['kms_key_arn', input.keyArn],
    ['role_name', name],
    ...(path === '/' ? [] : ([['role_path', path]] as [string, string][])),
  ]
  const width = Math.max(...variables.map(([variable]) => variable.length))
  return {
    title: 'Terraform',
    body: [
      '# The module is terraform/aws-kek of Hasp’s repository: copy it beside this file.',
      'module "hasp_kek" {',
      '  source = "./aws-kek"',
      '',
      ...variables.map(([variable, value]) => `  ${variable.padEnd(width)} = ${JSON.stringify(value)}`),
      '}',
    ].join('\n'),
  }
}

/** The same grant as commands of the AWS CLI. */
export function awsCliForm(input: {
  keyArn: string
  roleArn: string
  trustPolicy: string
  permissions: string
}): GrantDocument {
  const { path, name } = roleNameOf(input.roleArn)
  const atPath = path === '/' ? '' : ` --path ${path}`
  return {
    title: 'AWS CLI',
    body: [
      `aws iam create-role --role-name ${name}${atPath} --max-session-duration 3600 --assume-role-policy-document ${quoted(input.trustPolicy)}`,
      '',
      `aws iam put-role-policy --role-name ${name} --policy-name hasp-kek --policy-document ${quoted(input.permissions)}`,
      '',
      '# Only where the policy of the key does not leave the decision to IAM (the default policy does): add the',
      '# statements for the key policy to what this prints, and set the result with aws kms put-key-policy.',
      `aws kms get-key-policy --key-id ${input.keyArn} --policy-name default --query Policy --output text`,
    ].join('\n'),
  }
}

/** Without a role there is only the key. */
export function directCliForm({ keyArn, externalId }: GrantInput): GrantDocument {
  return {
    title: 'AWS CLI',
    body: [
      `aws kms update-key-description --key-id ${keyArn} --description ${quoted(`KEK of Hasp ${externalId}`)}`,
      '',
      '# Add the statements for the key policy to what this prints, and set the result with aws kms put-key-policy.',
      `aws kms get-key-policy --key-id ${keyArn} --policy-name default --query Policy --output text`,
    ].join('\n'),
  }
}

/** Hasp asks for no right to read your trails: you look. */
export function awsLogCheck(region: string): string {
  return `aws cloudtrail lookup-events --region ${region} --lookup-attributes AttributeKey=EventName,AttributeValue=Decrypt --max-results 5 shows the calls of this verification within 15 minutes, each under its requestID. What is kept for longer goes by your trails: none of them may exclude KMS (ExcludeManagementEventSources: kms.amazonaws.com) or reads (ReadWriteType: WriteOnly), because Decrypt counts as a read.`
}

function roleNameOf(roleArn: string): { path: string; name: string } {
  const resource = roleArn.slice(roleArn.indexOf(':role/') + ':role'.length)
  const at = resource.lastIndexOf('/')
  return { path: resource.slice(0, at + 1), name: resource.slice(at + 1) }
}

/** A word of a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
