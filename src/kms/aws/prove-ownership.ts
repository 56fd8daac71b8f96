import { KekFault } from '#kms/kek-fault.ts'
import type { OwnershipProof } from '#kms/kek-grant-linter.ts'
import type { AwsKek } from './aws-kek-provider.ts'
import type { AwsLintCalls } from './lint-calls.ts'

/**
 * Through a role: its trust policy demands the ExternalId that Hasp made, and the role is in the account of the key
 * (checked when the ARNs were given); that it demands it, and does not merely accept it, is what the linter's
 * AssumeRole probes show. Granted directly: the nonce stands in the key's description, which only somebody with
 * `kms:UpdateKeyDescription` in the key's own account can write (KMS serves that call to no other account).
 *
 * @throws {KekFault} `misconfigured`, code `ownership-not-proven`.
 */
export async function proveAwsOwnership(
  kek: AwsKek,
  calls: AwsLintCalls,
  nonce: string,
): Promise<OwnershipProof> {
  await calls.requireSession()
  const { metadata, kmsRequestId } = await calls.describeKey()
  if (kek.roleArn !== null) {
    return {
      proof: 'A role in the account of the key lets Hasp in by the ExternalId that Hasp made for this KEK.',
      kmsRequestId,
    }
  }
  if (metadata.Description?.split(/\s+/).includes(nonce) === true) {
    return { proof: 'The description of the key holds the word that Hasp made for this KEK.', kmsRequestId }
  }
  throw new KekFault(
    'misconfigured',
    'ownership-not-proven',
    `Put the word ${nonce} into the description of the KMS key (aws kms update-key-description): only its owner can.`,
    { kmsRequestId },
  )
}
