import type { RunningHasp } from './running-hasp.ts'
import type { Surroundings } from './lending-hasp.ts'

/** Another KEK of the same customer, in another AWS account, registered, granted and verified. */
export type AnotherKek = Readonly<{ id: string; name: string; keyArn: string; accountId: string }>

export async function addAwsKek(
  hasp: Pick<RunningHasp, 'api' | 'orgId'>,
  { emulator, env }: Pick<Surroundings, 'emulator' | 'env'>,
  name: string,
  rules: Record<string, unknown> = {},
): Promise<AnotherKek> {
  const { control } = emulator
  const { accountId } = control.createAccount()
  const principal = env['HASP_AWS_PRINCIPAL_ARN'] ?? ''
  const role = control.createRole({
    accountId,
    name: 'hasp-lends',
    trustPolicy: trust(principal, 'nobody-yet'),
    policies: [],
  })
  const { keyArn } = control.createKey({ accountId })
  const given = { name, provider: 'aws', keyArn, roleArn: role.arn, ...rules }
  const { status, body } = await hasp.api('POST', '/keks', given)
  if (status !== 201) throw new Error(JSON.stringify(body))
  control.putTrustPolicy({ roleArn: role.arn, trustPolicy: trust(principal, body.access.externalId) })
  control.putPolicies({
    principalArn: role.arn,
    policies: [
      allow({
        Action: ['kms:Encrypt', 'kms:Decrypt'],
        Resource: keyArn,
        Condition: { StringEquals: { 'kms:EncryptionContext:hasp:org': hasp.orgId } },
      }),
      allow({ Action: 'kms:DescribeKey', Resource: keyArn }),
    ],
  })
  const verification = await hasp.api('POST', `/keks/${body.id}/verify`)
  if (verification.body?.isPassed !== true) throw new Error(JSON.stringify(verification.body))
  return { id: body.id, name, keyArn, accountId }
}

function allow(statement: object) {
  return { Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...statement }] }
}

function trust(principalArn: string, externalId: string) {
  return allow({
    Principal: { AWS: principalArn },
    Action: 'sts:AssumeRole',
    Condition: { StringEquals: { 'sts:ExternalId': externalId } },
  })
}
