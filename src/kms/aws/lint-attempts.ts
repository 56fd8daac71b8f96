import {
  CreateGrantCommand,
  DecryptCommand,
  type DryRunModifierType,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyPairCommand,
  GenerateDataKeyPairWithoutPlaintextCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  GenerateMacCommand,
  GetKeyPolicyCommand,
  GetKeyRotationStatusCommand,
  GetPublicKeyCommand,
  type KMSClient,
  ListAliasesCommand,
  ListGrantsCommand,
  ListKeyPoliciesCommand,
  ListKeysCommand,
  ListResourceTagsCommand,
  ReEncryptCommand,
  RevokeGrantCommand,
  SignCommand,
} from '@aws-sdk/client-kms'
import type { LintRequest } from '#kms/kek-grant-linter.ts'
import type { FINDINGS } from './key-right-findings.ts'

type Answered = { $metadata: { requestId?: string | undefined } }
/** A call that the grant should refuse, or that at least need not pass. */
export type Attempt = Readonly<{
  action: string
  code: keyof typeof FINDINGS
  call: (kms: KMSClient) => Promise<Answered>
  /** Whether the customer's log shows it as an unwrap. */
  isUnwrap?: boolean
}>

/** 32 zero bytes stand for a DEK: no dry run carries a real one. */
const PLAINTEXT = Buffer.alloc(32)
const DRY = { DryRun: true } as const

/** Everything that is tried with the key itself, and with the account that it is in. */
export function attemptsOn(
  arn: string,
  request: LintRequest & Readonly<{ isRole: boolean; grantee: string }>,
): Attempt[] {
  return [
    ...contextAttempts(arn, request),
    ...useAttempts(arn, request),
    ...managementAttempts(arn, request.grantee),
    // What these list is the caller's own account: with a direct grant, Hasp's.
    ...(request.isRole ? accountAttempts() : []),
  ]
}

/** The heart of the grant: without the organisation's context, nothing. */
function contextAttempts(arn: string, { foreignOrgId }: LintRequest): Attempt[] {
  const foreign = { 'hasp:org': foreignOrgId }
  return [
    {
      action: 'kms:Encrypt without an encryption context',
      code: 'aws-encrypt-without-context',
      call: (kms) => kms.send(new EncryptCommand({ KeyId: arn, Plaintext: PLAINTEXT, ...DRY })),
    },
    {
      action: 'kms:Encrypt for another organisation',
      code: 'aws-encrypt-foreign-context',
      call: (kms) =>
        kms.send(
          new EncryptCommand({ KeyId: arn, Plaintext: PLAINTEXT, EncryptionContext: foreign, ...DRY }),
        ),
    },
    {
      action: 'kms:Decrypt without an encryption context',
      code: 'aws-decrypt-without-context',
      isUnwrap: true,
      call: (kms) => kms.send(new DecryptCommand({ KeyId: arn, ...withoutCiphertext() })),
    },
    {
      action: 'kms:Decrypt for another organisation',
      code: 'aws-decrypt-foreign-context',
      isUnwrap: true,
      call: (kms) =>
        kms.send(new DecryptCommand({ KeyId: arn, EncryptionContext: foreign, ...withoutCiphertext() })),
    },
  ]
}

/** Uses of the key that Hasp has no use for; tried under the organisation's own context, where most would pass. */
function useAttempts(arn: string, { orgId }: LintRequest): Attempt[] {
  const EncryptionContext = { 'hasp:org': orgId }
  const common = { KeyId: arn, EncryptionContext, ...DRY }
  return [
    {
      action: 'kms:GenerateDataKey',
      code: 'aws-generate-data-key',
      call: (kms) => kms.send(new GenerateDataKeyCommand({ ...common, KeySpec: 'AES_256' })),
    },
    {
      action: 'kms:GenerateDataKeyWithoutPlaintext',
      code: 'aws-generate-data-key',
      call: (kms) => kms.send(new GenerateDataKeyWithoutPlaintextCommand({ ...common, KeySpec: 'AES_256' })),
    },
    {
      action: 'kms:GenerateDataKeyPair',
      code: 'aws-generate-data-key',
      call: (kms) => kms.send(new GenerateDataKeyPairCommand({ ...common, KeyPairSpec: 'ECC_NIST_P256' })),
    },
    {
      action: 'kms:GenerateDataKeyPairWithoutPlaintext',
      code: 'aws-generate-data-key',
      call: (kms) =>
        kms.send(new GenerateDataKeyPairWithoutPlaintextCommand({ ...common, KeyPairSpec: 'ECC_NIST_P256' })),
    },
    {
      action: 'kms:ReEncrypt',
      code: 'aws-re-encrypt',
      call: (kms) =>
        kms.send(
          new ReEncryptCommand({
            SourceKeyId: arn,
            SourceEncryptionContext: EncryptionContext,
            DestinationKeyId: arn,
            DestinationEncryptionContext: EncryptionContext,
            ...withoutCiphertext(),
          }),
        ),
    },
    {
      action: 'kms:GenerateMac',
      code: 'aws-sign',
      call: (kms) =>
        kms.send(
          new GenerateMacCommand({ KeyId: arn, MacAlgorithm: 'HMAC_SHA_256', Message: PLAINTEXT, ...DRY }),
        ),
    },
    {
      action: 'kms:Sign',
      code: 'aws-sign',
      call: (kms) =>
        kms.send(
          new SignCommand({ KeyId: arn, SigningAlgorithm: 'ECDSA_SHA_256', Message: PLAINTEXT, ...DRY }),
        ),
    },
    {
      action: 'kms:GetPublicKey',
      code: 'aws-get-public-key',
      call: (kms) => kms.send(new GetPublicKeyCommand({ KeyId: arn })),
    },
  ]
}

/** Rights over the key. Only dry runs and reads: none of these is ever carried out. */
function managementAttempts(arn: string, grantee: string): Attempt[] {
  return [
    {
      action: 'kms:CreateGrant',
      code: 'aws-create-grant',
      call: (kms) =>
        kms.send(
          new CreateGrantCommand({
            KeyId: arn,
            GranteePrincipal: grantee,
            Operations: ['Decrypt'],
            ...DRY,
          }),
        ),
    },
    {
      action: 'kms:RevokeGrant',
      code: 'aws-revoke-grant',
      call: (kms) => kms.send(new RevokeGrantCommand({ KeyId: arn, GrantId: '0'.repeat(64), ...DRY })),
    },
    {
      action: 'kms:ListGrants',
      code: 'aws-list-grants',
      call: (kms) => kms.send(new ListGrantsCommand({ KeyId: arn, Limit: 1 })),
    },
    {
      action: 'kms:GetKeyPolicy',
      code: 'aws-get-key-policy',
      call: (kms) => kms.send(new GetKeyPolicyCommand({ KeyId: arn, PolicyName: 'default' })),
    },
    {
      action: 'kms:ListKeyPolicies',
      code: 'aws-get-key-policy',
      call: (kms) => kms.send(new ListKeyPoliciesCommand({ KeyId: arn })),
    },
    {
      action: 'kms:GetKeyRotationStatus',
      code: 'aws-read-metadata',
      call: (kms) => kms.send(new GetKeyRotationStatusCommand({ KeyId: arn })),
    },
    {
      action: 'kms:ListResourceTags',
      code: 'aws-read-metadata',
      call: (kms) => kms.send(new ListResourceTagsCommand({ KeyId: arn })),
    },
  ]
}

function accountAttempts(): Attempt[] {
  return [
    {
      action: 'kms:ListKeys',
      code: 'aws-list-keys',
      call: (kms) => kms.send(new ListKeysCommand({ Limit: 10 })),
    },
    {
      action: 'kms:ListAliases',
      code: 'aws-list-keys',
      call: (kms) => kms.send(new ListAliasesCommand({ Limit: 1 })),
    },
  ]
}

/** With another key of the same account, under the organisation's own context. */
export function attemptOnOther(arn: string, { orgId }: LintRequest): Attempt {
  const EncryptionContext = { 'hasp:org': orgId }
  return {
    action: 'kms:Decrypt with another key of the account',
    code: 'aws-other-keys',
    isUnwrap: true,
    call: (kms) => kms.send(new DecryptCommand({ KeyId: arn, EncryptionContext, ...withoutCiphertext() })),
  }
}

/** Authorization alone: no ciphertext is needed. */
function withoutCiphertext(): { DryRun: true; DryRunModifiers: DryRunModifierType[] } {
  return { ...DRY, DryRunModifiers: ['IGNORE_CIPHERTEXT'] }
}
