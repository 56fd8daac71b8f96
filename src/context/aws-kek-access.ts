import type { KekAccessKind } from '#keks/access.ts'
import type { AwsClients } from '#kms/aws/aws-clients.ts'
import { awsGrantDocuments, newAwsExternalId } from '#kms/aws/grant-documents.ts'
import { parseAwsKeyArn, requireRoleBeside } from '#kms/aws/key-arn.ts'
import { AwsGrantLinter } from '#kms/aws/lint-grant.ts'
import { KekFault } from '#kms/kek-fault.ts'

/** KEKs in AWS KMS, reached through a role in the customer's account or by Hasp's own principal. */
export function awsKekAccess(principalArn: string | undefined, clients: AwsClients): KekAccessKind {
  return {
    kind: 'aws',
    async prepare({ keyArn, roleArn }) {
      if (keyArn === undefined) {
        throw new KekFault('misconfigured', 'key-arn-missing', 'Give keyArn: the full ARN of the KMS key.')
      }
      const kmsKey = parseAwsKeyArn(keyArn)
      if (roleArn !== undefined) requireRoleBeside(kmsKey, roleArn)
      return {
        kekRef: kmsKey.arn,
        access: {
          provider: 'aws',
          keyArn: kmsKey.arn,
          roleArn: roleArn ?? null,
          externalId: newAwsExternalId(),
        },
      }
    },
    openLinter({ id, access }) {
      if (access.provider !== 'aws') throw new Error('Not a KEK in AWS KMS.')
      const { keyArn, roleArn, externalId } = access
      return new AwsGrantLinter({ kekId: id, keyArn, roleArn, externalId }, clients, principalArn)
    },
    grantFor(access, orgId) {
      if (access.provider !== 'aws') throw new Error('Not a KEK in AWS KMS.')
      const { keyArn, roleArn, externalId } = access
      const grantee = principalArn ?? '<ARN of the principal that Hasp runs as: ask its operator>'
      return awsGrantDocuments({ keyArn, roleArn, externalId, orgId, principalArn: grantee })
    },
  }
}
