import type { GrantFinding } from '#kms/kek-grant-linter.ts'

/** The whole of the grant: no finding repeats it. */
export const LEAST =
  'Grant kms:Encrypt and kms:Decrypt under the condition StringEquals kms:EncryptionContext:hasp:org, kms:DescribeKey beside them, and nothing else.'

/** What has no dry run and is no read, or is not for Hasp to read. */
export const UNTRIED =
  'Not tried, because a try would do it: deleting, disabling and re-policing the key. Not seen: rights on other keys, and who else may use this one. Your policies tell.'

const CONDITION =
  'Put the condition StringEquals kms:EncryptionContext:hasp:org with your organisation’s id on every statement that allows it; not …IfExists, not ForAnyValue or ForAllValues.'

/** What each surplus right would allow. Codes are stable: docs, ledgers and alerts name them. */
export const FINDINGS = {
  'aws-encrypt-without-context': {
    severity: 'dangerous',
    allows: 'The key wraps without an encryption context: what it wraps is bound to no organisation.',
    fix: CONDITION,
  },
  'aws-encrypt-foreign-context': {
    severity: 'dangerous',
    allows: 'The key wraps for any organisation of this Hasp, not only for yours.',
    fix: CONDITION,
  },
  'aws-decrypt-without-context': {
    severity: 'dangerous',
    allows: 'The key unwraps what was wrapped without an encryption context, whoever wrapped it.',
    fix: CONDITION,
  },
  'aws-decrypt-foreign-context': {
    severity: 'dangerous',
    allows: 'The key unwraps for any organisation of this Hasp, not only for yours.',
    fix: CONDITION,
  },
  'aws-generate-data-key': {
    severity: 'warning',
    allows: 'Hasp may have KMS make data keys under this key. It makes its own, and needs none.',
    fix: 'Remove kms:GenerateDataKey*.',
  },
  'aws-re-encrypt': {
    severity: 'warning',
    allows:
      'Hasp may have KMS carry what this key wrapped over to another key, which you do not control and can not revoke.',
    fix: 'Remove kms:ReEncrypt*.',
  },
  'aws-sign': {
    severity: 'warning',
    allows: 'Hasp may sign and authenticate with the key, if it were of that kind.',
    fix: 'Remove kms:Sign and kms:GenerateMac.',
  },
  'aws-get-public-key': {
    severity: 'warning',
    allows:
      'Hasp may read a public key, which a symmetric key has not: the grant is wider than it was meant.',
    fix: 'Remove kms:GetPublicKey.',
  },
  'aws-create-grant': {
    severity: 'warning',
    allows:
      'Hasp may hand the use of the key on to others by grants, which outlive a change of the key policy.',
    fix: 'Remove kms:CreateGrant.',
  },
  'aws-revoke-grant': {
    severity: 'warning',
    allows: 'Hasp may take the use of the key away from others by revoking their grants.',
    fix: 'Remove kms:RevokeGrant.',
  },
  'aws-list-grants': {
    severity: 'warning',
    allows: 'Hasp may see who else uses the key.',
    fix: 'Remove kms:ListGrants.',
  },
  'aws-get-key-policy': {
    severity: 'warning',
    allows: 'Hasp may read the key policy, and with it who else may use the key.',
    fix: 'Remove kms:GetKeyPolicy and kms:ListKeyPolicies.',
  },
  'aws-read-metadata': {
    severity: 'warning',
    allows: 'Hasp may read tags or the rotation status of the key, which it does not.',
    fix: 'Remove kms:ListResourceTags and kms:GetKeyRotationStatus.',
  },
  'aws-list-keys': {
    severity: 'warning',
    allows: 'Hasp may list the keys or aliases of the account.',
    fix: 'Remove kms:ListKeys and kms:ListAliases.',
  },
  'aws-other-keys': {
    severity: 'warning',
    allows: 'The role reaches other keys of the account too.',
    fix: 'Name the ARN of this one key as the Resource of the role’s permissions policy, not "*".',
  },
  'aws-delete-key': {
    severity: 'warning',
    allows: 'Hasp may schedule the key’s deletion, which destroys everything that is sealed under it.',
    fix: 'Remove kms:ScheduleKeyDeletion.',
  },
  'aws-change-key-state': {
    severity: 'warning',
    allows: 'Hasp may disable the key, or enable it again after you disabled it to revoke it.',
    fix: 'Remove kms:EnableKey and kms:DisableKey.',
  },
  'aws-put-key-policy': {
    severity: 'warning',
    allows: 'Hasp may rewrite the key policy, and give itself or anybody every right on the key.',
    fix: 'Remove kms:PutKeyPolicy.',
  },
  'aws-key-policy-open': {
    severity: 'dangerous',
    allows: 'The key policy lets every AWS principal of every account use the key.',
    fix: 'Name principals in the key policy; "*" only with a condition that narrows it to accounts of yours.',
  },
} as const satisfies Record<string, Omit<GrantFinding, 'code'>>
