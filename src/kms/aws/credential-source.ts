import { assumeRole } from './assume-role.ts'
import type { AwsClients } from './aws-clients.ts'
import type { AwsCredentials, CredentialSource } from './aws-credentials.ts'
import type { AwsKek } from './aws-kek-provider.ts'
import { type AwsKeyArn, requireRoleBeside } from './key-arn.ts'
import { RoleSession } from './role-session.ts'

/** Who the calls of one KEK are made as: a session of the customer's role, or Hasp's own principal. */
export function credentialSourceOf(kek: AwsKek, kmsKey: AwsKeyArn, clients: AwsClients): CredentialSource {
  if (kek.roleArn === null) return clients.ownCredentials
  const input = {
    roleArn: requireRoleBeside(kmsKey, kek.roleArn).arn,
    externalId: kek.externalId,
    sessionName: `hasp-${kek.kekId.slice(0, 13)}`,
  }
  const deps = {
    ownCredentials: clients.ownCredentials,
    clientFor: (own: AwsCredentials) => clients.stsClientFor(kmsKey, own),
  }
  return new RoleSession({
    assumeRole: () => assumeRole(deps, input),
    now: clients.now,
    random: clients.random,
  })
}
