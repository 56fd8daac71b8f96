import { AssumeRoleCommand, type STSClient } from '@aws-sdk/client-sts'
import type { AwsCredentials } from './aws-credentials.ts'
import { transportFault } from './aws-faults.ts'
import { callAws } from './call-aws.ts'
import type { OwnCredentials } from './own-credentials.ts'
import type { AssumedRole } from './role-session.ts'

type Deps = Readonly<{
  ownCredentials: OwnCredentials
  clientFor: (credentials: AwsCredentials) => STSClient
}>

type AssumeRoleInput = Readonly<{
  roleArn: string
  externalId: string
  sessionName: string
}>

/** The least that STS allows. */
export const SESSION_S = 900

/**
 * One session of the customer's role, for Hasp's own principal and under the ExternalId that Hasp made.
 * @throws {KekFault}
 */
export async function assumeRole(deps: Deps, input: AssumeRoleInput): Promise<AssumedRole> {
  const command = new AssumeRoleCommand({
    RoleArn: input.roleArn,
    ExternalId: input.externalId,
    RoleSessionName: input.sessionName,
    DurationSeconds: SESSION_S,
  })
  const reply = await callAws(deps.ownCredentials, 'AssumeRole', (own) => deps.clientFor(own).send(command))
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = reply.Credentials ?? {}
  if (!AccessKeyId || !SecretAccessKey || !SessionToken || Expiration === undefined) {
    throw transportFault('malformed-reply', reply.$metadata.requestId)
  }
  return {
    credentials: { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken },
    expiresAtMs: Expiration.getTime(),
  }
}
