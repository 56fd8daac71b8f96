import type { DelayedValue } from '#emulators/common/delayed-value.ts'
import type { PolicyDocument } from './policy-document.ts'

/** A user, role or account root that policies can name. */
export type Principal = Readonly<{
  kind: 'root' | 'user' | 'role'
  accountId: string
  arn: string
  name: string
  /** IAM's unique id: `AIDA…` for users, `AROA…` for roles, the account id for its root. */
  uniqueId: string
  policies: DelayedValue<readonly PolicyDocument[]>
}>

export type Role = Principal &
  Readonly<{
    kind: 'role'
    trust: DelayedValue<PolicyDocument>
    sessionSecondsMax: number
  }>

/** Who signed a request. For a role session, `principal` is the role and `session` tells which session. */
export type Caller = Readonly<{
  principal: Principal
  /** What CloudTrail and error messages call the caller: the user's ARN, or the session's. */
  arn: string
  /** `AIDA…`, or `AROA…:session-name`. */
  principalId: string
  accessKeyId: string
  session: Readonly<{ issuedAtMs: number; policy: PolicyDocument | undefined }> | undefined
}>

export type Credential = Readonly<{
  accessKeyId: string
  secretAccessKey: string
  /** Only temporary credentials have one, and are refused without it. */
  sessionToken: string | undefined
  expiresAtMs: number | undefined
  caller: Caller
}>
