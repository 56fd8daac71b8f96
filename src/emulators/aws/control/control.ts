import { randomInt } from 'node:crypto'
import type { Static } from 'typebox'
import type { FaultEffect } from '#emulators/aws/fault-effect.ts'
import type { AdvanceClock, SkewClock } from '#emulators/common/control-inputs.ts'
import { FaultControl } from '#emulators/common/fault-control.ts'
import type { Faults } from '#emulators/common/faults.ts'
import type { Identities } from '#emulators/aws/iam/identities.ts'
import { parsePolicy, type PolicyDocument, type PolicyKind } from '#emulators/aws/iam/policy-document.ts'
import { requirePrincipalsExist } from '#emulators/aws/iam/policy-principals.ts'
import type { Credential, Principal } from '#emulators/aws/iam/principal.ts'
import type { KeyStore } from '#emulators/aws/kms/key-store.ts'
import type { KmsKey } from '#emulators/aws/kms/kms-key.ts'
import type { KmsSettings } from '#emulators/aws/kms/operation.ts'
import type { ServiceClock } from '#emulators/common/service-clock.ts'
import type { CloudTrail, EventFilter } from '#emulators/aws/trail/cloud-trail.ts'
import type { CloudTrailRecord } from '#emulators/aws/trail/record.ts'
import type * as input from './inputs.ts'

type Deps = Readonly<{
  identities: Identities
  keys: KeyStore
  clock: ServiceClock
  settings: KmsSettings
  faults: Faults<FaultEffect>
  trail: CloudTrail
  region: string
}>

export type AccessKey = Readonly<{ accessKeyId: string; secretAccessKey: string }>

/**
 * What a test, a demo or an operator does to the emulated cloud without being anybody in it. Nothing here is an
 * AWS API and nothing here reaches the trails.
 *
 * @throws {Error} from every method, when what it names does not exist or a policy is malformed
 */
export class AwsEmulatorControl extends FaultControl<FaultEffect> {
  readonly #deps: Deps
  #signatureSkewMs = 0

  constructor(deps: Deps) {
    super(deps)
    this.#deps = deps
  }

  /** A new account with an access key of its root, which may do everything in it. */
  createAccount(account: Static<typeof input.CreateAccount> = {}): {
    accountId: string
    rootArn: string
    accessKey: AccessKey
  } {
    const accountId = account.accountId ?? String(randomInt(100_000_000_000, 1_000_000_000_000))
    const root = this.#deps.identities.addAccount(accountId)
    return { accountId, rootArn: root.arn, accessKey: shown(this.#deps.identities.createAccessKey(root)) }
  }

  /** A user with an access key; with both `accessKeyId` and `secretAccessKey` given, that one. */
  createUser(user: Static<typeof input.CreateUser>): { arn: string; accessKey: AccessKey } {
    const { accessKeyId, secretAccessKey } = user
    const principal = this.#deps.identities.addUser(
      user.accountId,
      user.name,
      identityPolicies(user.policies ?? []),
    )
    const given =
      accessKeyId === undefined || secretAccessKey === undefined
        ? undefined
        : { accessKeyId, secretAccessKey }
    return { arn: principal.arn, accessKey: shown(this.#deps.identities.createAccessKey(principal, given)) }
  }

  createRole(role: Static<typeof input.CreateRole>): { arn: string } {
    const { arn } = this.#deps.identities.addRole(role.accountId, role.name, {
      trust: this.#policy(role.trustPolicy, 'trust'),
      policies: identityPolicies(role.policies ?? []),
      sessionSecondsMax: role.sessionSecondsMax ?? 3600,
    })
    return { arn }
  }

  createAccessKey(of: Static<typeof input.NamePrincipal>): AccessKey {
    const principal = this.#principal(of.principalArn)
    if (principal.kind === 'role') throw new Error('A role has no access keys: assume it.')
    return shown(this.#deps.identities.createAccessKey(principal))
  }

  deleteAccessKey(of: Static<typeof input.NameAccessKey>): void {
    this.#deps.identities.deleteAccessKey(of.accessKeyId)
  }

  deletePrincipal(of: Static<typeof input.NamePrincipal>): void {
    this.#deps.identities.remove(this.#principal(of.principalArn))
  }

  /** Replaces all identity policies of a user or role, after the delay of effect. */
  putPolicies(put: Static<typeof input.PutPolicies>): void {
    const { clock, settings } = this.#deps
    const policies = identityPolicies(put.policies)
    this.#principal(put.principalArn).policies.set(policies, clock.nowMs(), settings.effectDelayMs)
  }

  /** Replaces a role's trust policy, after the delay of effect; sessions that exist live on, as in AWS. */
  putTrustPolicy(put: Static<typeof input.PutTrustPolicy>): void {
    const { clock, identities, settings } = this.#deps
    const role = identities.role(put.roleArn)
    if (role === undefined) throw new Error(`There is no role ${put.roleArn}.`)
    role.trust.set(this.#policy(put.trustPolicy, 'trust'), clock.nowMs(), settings.effectDelayMs)
  }

  createKey(wanted: Static<typeof input.CreateKey>): { keyId: string; keyArn: string } {
    const { identities, keys, region } = this.#deps
    if (!identities.hasAccount(wanted.accountId)) throw new Error(`There is no account ${wanted.accountId}.`)
    const policy = wanted.policy === undefined ? undefined : this.#policy(wanted.policy, 'key').text
    const kmsKey = keys.create({
      ...wanted,
      region: wanted.region ?? region,
      policy,
      tags: new Map(Object.entries(wanted.tags ?? {})),
    })
    return { keyId: kmsKey.keyId, keyArn: kmsKey.arn }
  }

  /** Puts a key, named by id or ARN, into a state at once, whatever the delay of effect. */
  setKeyState(put: Static<typeof input.SetKeyState>): void {
    const kmsKey = this.#key(put.keyId)
    kmsKey.state.set(put.state, this.#deps.clock.nowMs(), 0)
    if (put.state !== 'PendingDeletion') kmsKey.deletionAtMs = undefined
  }

  setEffectDelay(put: Static<typeof input.SetEffectDelay>): void {
    this.#deps.settings.effectDelayMs = put.effectDelayMs
  }

  setPendingDeletionError(put: Static<typeof input.SetPendingDeletionError>): void {
    this.#deps.settings.pendingDeletionError = put.error
  }

  /** Carries out the deletions that are due by then, too. */
  override advanceClock(by: Static<typeof AdvanceClock>): { nowMs: number } {
    const moved = super.advanceClock(by)
    this.#deps.keys.all()
    return moved
  }

  /** Makes the clock that signatures are held against differ from the machine's. */
  setSignatureSkew(put: Static<typeof SkewClock>): void {
    this.#signatureSkewMs = put.ms
  }

  get signatureSkewMs(): number {
    return this.#signatureSkewMs
  }

  events(filter: EventFilter = {}): CloudTrailRecord[] {
    return this.#deps.trail.events(filter)
  }

  async waitForEvent(filter: EventFilter, timeoutMs?: number): Promise<CloudTrailRecord> {
    return this.#deps.trail.waitForEvent(filter, timeoutMs)
  }

  clearEvents(): void {
    this.#deps.trail.clear()
  }

  #principal(arn: string): Principal {
    const principal = this.#deps.identities.principal(arn)
    if (principal === undefined) throw new Error(`There is no principal ${arn}.`)
    return principal
  }

  #key(reference: string): KmsKey {
    const kmsKey = this.#deps.keys.byId(reference.replace(/^.*:key\//, ''))
    if (kmsKey === undefined) throw new Error(`There is no key ${reference}.`)
    return kmsKey
  }

  #policy(policy: input.PolicyInput, kind: PolicyKind): PolicyDocument {
    const document = parsePolicy(policyText(policy), kind)
    requirePrincipalsExist(document, this.#deps.identities)
    return document
  }
}

function identityPolicies(policies: readonly input.PolicyInput[]): PolicyDocument[] {
  return policies.map((policy) => parsePolicy(policyText(policy), 'identity'))
}

function policyText(policy: input.PolicyInput): string {
  return typeof policy === 'string' ? policy : JSON.stringify(policy)
}

function shown({ accessKeyId, secretAccessKey }: Credential): AccessKey {
  return { accessKeyId, secretAccessKey }
}
