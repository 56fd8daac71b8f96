import { DescribeKeyCommand, type KMSClient, type KeyMetadata } from '@aws-sdk/client-kms'
import { AssumeRoleCommand } from '@aws-sdk/client-sts'
import { KekFault } from '#kms/kek-fault.ts'
import type { GrantProbe } from '#kms/kek-grant-linter.ts'
import type { AwsClients } from './aws-clients.ts'
import type { AwsCredentials, CredentialSource } from './aws-credentials.ts'
import type { AwsKek } from './aws-kek-provider.ts'
import type { AwsRefusal } from './aws-refusal.ts'
import { callAws } from './call-aws.ts'
import { requireDescribed } from './check-reply.ts'
import { credentialSourceOf } from './credential-source.ts'
import { type AwsKeyArn, parseAwsKeyArn } from './key-arn.ts'
import { fromSdkError } from './sdk-errors.ts'

/** What KMS says to a dry run that would have been carried out. */
const DRY_RUN_PASSED = 'DryRunOperationException'
const DENIALS: ReadonlySet<string> = new Set(['AccessDeniedException', 'AccessDenied'])

/** The calls of the linter, and how their answers are read. */
export class AwsLintCalls {
  readonly kmsKey: AwsKeyArn
  readonly #clients: AwsClients
  readonly #credentials: CredentialSource

  constructor(kek: AwsKek, clients: AwsClients) {
    this.kmsKey = parseAwsKeyArn(kek.keyArn)
    this.#clients = clients
    this.#credentials = credentialSourceOf(kek, this.kmsKey, clients)
  }

  /** @throws {KekFault} as AssumeRole fails, with the ExternalId as it was told to the customer. */
  async requireSession(): Promise<void> {
    await this.#credentials.current()
  }

  /** One KMS call as the grantee, judged by who may rather than by what came of it. */
  async probe<Reply extends { $metadata: { requestId?: string | undefined } }>(
    action: string,
    call: (kms: KMSClient) => Promise<Reply>,
  ): Promise<GrantProbe & { reply?: Reply }> {
    const credentials = await this.#credentials.current()
    try {
      const reply = await call(this.#clients.kmsClientFor(this.kmsKey, credentials))
      const kmsRequestId = reply.$metadata.requestId ?? null
      return { action, outcome: 'allowed', answer: 'Success', kmsRequestId, reply }
    } catch (error) {
      return probeOf(action, error)
    }
  }

  /** AssumeRole as Hasp's own principal; what it issues is dropped. */
  async probeAssumeRole(
    action: string,
    input: { RoleArn: string; RoleSessionName: string; ExternalId?: string; DurationSeconds: number },
  ): Promise<GrantProbe> {
    const own = await this.#clients.ownCredentials.current()
    try {
      const reply = await this.#clients.stsClientFor(this.kmsKey, own).send(new AssumeRoleCommand(input))
      return {
        action,
        outcome: 'allowed',
        answer: 'Success',
        kmsRequestId: reply.$metadata.requestId ?? null,
      }
    } catch (error) {
      return probeOf(action, error)
    }
  }

  /** @throws {KekFault} */
  async describeKey(): Promise<{ metadata: KeyMetadata; kmsRequestId: string }> {
    const reply = await callAws(this.#credentials, 'DescribeKey', (credentials: AwsCredentials) =>
      this.#clients
        .kmsClientFor(this.kmsKey, credentials)
        .send(new DescribeKeyCommand({ KeyId: this.kmsKey.arn })),
    )
    const kmsRequestId = reply.$metadata.requestId ?? ''
    return { metadata: requireDescribed(this.kmsKey.arn, reply.KeyMetadata, kmsRequestId), kmsRequestId }
  }
}

function probeOf(action: string, error: unknown): GrantProbe {
  const refusal = fromSdkError(error)
  if (refusal instanceof KekFault) {
    return { action, outcome: 'unclear', answer: refusal.code, kmsRequestId: refusal.kmsRequestId ?? null }
  }
  return {
    action,
    outcome: outcomeOf(refusal),
    answer: refusal.code,
    kmsRequestId: refusal.requestId ?? null,
  }
}

/** Any other error may stand before or behind the authorization: it tells nothing of it. */
function outcomeOf({ code }: AwsRefusal): GrantProbe['outcome'] {
  if (code === DRY_RUN_PASSED) return 'allowed'
  return DENIALS.has(code) ? 'refused' : 'unclear'
}
