import type { GrantDocument, LogCheck } from '#kms/kek-grant-linter.ts'
import type { GrantInput } from './grant-documents.ts'
import { parseAwsKeyArn } from './key-arn.ts'

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

/**
 * The same grant as commands of the AWS CLI, which may be run again: a role that is there already is brought up to
 * date. Only “no such role” is taken for an answer; whatever else `get-role` fails with is shown, and nothing is made.
 */
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
      '# The role. One that is there already is brought up to date: its trust policy is replaced by this one, so take a',
      '# role of its own for each KEK.',
      `TRUST_POLICY=${quoted(input.trustPolicy)}`,
      `if ERROR=$(aws iam get-role --role-name ${name} 2>&1 >/dev/null); then`,
      `  aws iam update-assume-role-policy --role-name ${name} --policy-document "$TRUST_POLICY" &&`,
      `    aws iam update-role --role-name ${name} --max-session-duration 3600`,
      'elif [ "${ERROR#*NoSuchEntity}" != "$ERROR" ]; then',
      `  aws iam create-role --role-name ${name}${atPath} --max-session-duration 3600 --assume-role-policy-document "$TRUST_POLICY"`,
      'else',
      '  echo "$ERROR" >&2',
      '  false',
      'fi',
      '',
      '# What it may do.',
      `aws iam put-role-policy --role-name ${name} --policy-name hasp-kek --policy-document ${quoted(input.permissions)}`,
      '',
      '# Only where the policy of the key does not leave the decision to IAM (the default policy does): add the',
      '# statements for the key policy to what this prints, and set the result with aws kms put-key-policy.',
      `aws kms get-key-policy --region ${regionOf(input.keyArn)} --key-id ${input.keyArn} --policy-name default --query Policy --output text`,
    ].join('\n'),
  }
}

/** Without a role there is only the key. */
export function directCliForm({ keyArn, externalId }: GrantInput): GrantDocument {
  const region = regionOf(keyArn)
  return {
    title: 'AWS CLI',
    body: [
      '# The word that shows whose the key is, after what its description says already.',
      `if DESCRIPTION=$(aws kms describe-key --region ${region} --key-id ${keyArn} --query KeyMetadata.Description --output text); then`,
      `  case " $DESCRIPTION " in`,
      `    *" ${externalId} "*) ;;`,
      `    *) aws kms update-key-description --region ${region} --key-id ${keyArn} --description "\${DESCRIPTION:+$DESCRIPTION }${externalId}" ;;`,
      '  esac',
      'fi',
      '',
      '# Add the statements for the key policy to what this prints, and set the result with aws kms put-key-policy.',
      `aws kms get-key-policy --region ${region} --key-id ${keyArn} --policy-name default --query Policy --output text`,
    ].join('\n'),
  }
}

export function awsLogCheck(region: string): LogCheck {
  return {
    command: `aws cloudtrail lookup-events --region ${region} --lookup-attributes AttributeKey=EventName,AttributeValue=Decrypt --max-results 5`,
    note: 'It shows the calls of a verification within 15 minutes, each under its requestID. What is kept for longer goes by your trails: none of them may exclude KMS (ExcludeManagementEventSources: kms.amazonaws.com) or reads (ReadWriteType: WriteOnly), because Decrypt counts as a read.',
  }
}

/** The AWS CLI does not take it from the ARN. */
function regionOf(keyArn: string): string {
  return parseAwsKeyArn(keyArn).region
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
