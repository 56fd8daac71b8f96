import { KekFault } from '#kms/kek-fault.ts'
import type { GrantLint, GrantLinter, LintRequest, OwnershipProof } from '#kms/kek-grant-linter.ts'
import type { AwsClients } from './aws-clients.ts'
import type { AwsKek } from './aws-kek-provider.ts'
import { LEAST, UNTRIED } from './key-right-findings.ts'
import { AwsLintCalls } from './lint-calls.ts'
import { probeKeyRights } from './lint-key-rights.ts'
import { probeRoleTrust } from './lint-role-trust.ts'
import { proveAwsOwnership } from './prove-ownership.ts'

/**
 * Lints the grant of one AWS KEK. Crypto operations are asked with `DryRun` (and `IGNORE_CIPHERTEXT`), which KMS
 * answers by authorization alone; what has no dry run is asked only where asking is a read. Deleting, disabling and
 * re-policing a key have neither: whoever may read the key policy is shown what stands in it instead.
 */
export class AwsGrantLinter implements GrantLinter {
  readonly least = LEAST
  readonly untried = UNTRIED
  readonly #kek: AwsKek
  /** Who a direct grant names; where Hasp was not told, the key's account stands in for it. */
  readonly #principalArn: string
  readonly #calls: AwsLintCalls

  /** @throws {KekFault} `misconfigured` for an ARN that is not exactly one key. */
  constructor(kek: AwsKek, clients: AwsClients, principalArn: string | undefined) {
    this.#kek = kek
    this.#calls = new AwsLintCalls(kek, clients)
    const { partition, accountId } = this.#calls.kmsKey
    this.#principalArn = principalArn ?? `arn:${partition}:iam::${accountId}:root`
  }

  async lint(request: LintRequest): Promise<GrantLint> {
    // First and alone: where the role can not be assumed, every probe after it would be "refused".
    await this.#calls.requireSession()
    const parts = await Promise.all([
      probeRoleTrust(this.#kek, this.#calls),
      probeKeyRights(this.#calls, {
        ...request,
        isRole: this.#kek.roleArn !== null,
        grantee: this.#kek.roleArn ?? this.#principalArn,
      }),
    ])
    const probes = parts.flatMap((part) => part.probes)
    const asked = probes.filter((probe) => probe.outcome !== 'unclear')
    if (asked.length === 0) {
      throw new KekFault('unreachable', 'lint-unanswered', 'AWS answered none of the checks of the grant.')
    }
    return { probes, findings: parts.flatMap((part) => part.findings) }
  }

  proveOwnership(nonce: string): Promise<OwnershipProof> {
    return proveAwsOwnership(this.#kek, this.#calls, nonce)
  }
}
