import type { GrantDocument } from '#kms/kek-grant-linter.ts'
import { ISSUER, LOG_TYPES, ROLE, SERVICE } from './grant-parts.ts'
import type { IdentityProviderName } from './identity-provider-name.ts'
import type { GcpKeyName } from './key-name.ts'
import { LABEL_PERMISSION, OWNER_LABEL } from './owner-label.ts'

export type GcpCliInput = Readonly<{
  cryptoKey: GcpKeyName
  /** Whom IAM policies name. */
  member: string
  /** Null for the direct shape. */
  federation: Readonly<{
    provider: IdentityProviderName
    audience: string
    attributeCondition: string
  }> | null
  ownerNonce: string
}>

const LABEL_ROLE = 'haspReadsLabel'

/**
 * The same grant as commands of gcloud, which may be run again: what is there already is left or brought up to date.
 * Whether it is there is asked by `list`, which fails for nothing but real errors.
 */
export function gcpCliForm(input: GcpCliInput): GrantDocument {
  const { cryptoKey, federation, member } = input
  const steps = [
    ...(federation === null ? [] : poolSteps(federation)),
    step(
      'The role, on this key alone.',
      `gcloud kms keys add-iam-policy-binding ${flagsOf(cryptoKey)} \\
  --member='${member}' \\
  --role=${ROLE}`,
    ),
    ...(federation === null ? labelSteps(input) : []),
    auditStep(cryptoKey),
  ]
  return { title: 'gcloud CLI', body: steps.join('\n\n') }
}

function poolSteps({
  provider,
  audience,
  attributeCondition,
}: NonNullable<GcpCliInput['federation']>): string[] {
  const pools = 'gcloud iam workload-identity-pools'
  const place = `--project=${provider.projectNumber} --location=global`
  const poolList = `${pools} list ${place} --filter='name~"/${provider.pool}$"' --format='value(name)'`
  const inPool = `${place} --workload-identity-pool=${provider.pool}`
  const providerList = `${pools} providers list ${inPool} --filter='name~"/${provider.provider}$"' --format='value(name)'`
  return [
    step(
      'The workload identity pool, where it is not there yet.',
      `POOL=$(${poolList}) &&
  { [ -n "$POOL" ] || ${pools} create ${provider.pool} ${place}; }`,
    ),
    step(
      'The provider in it. One that is there already is brought up to date, so take one of its own for each KEK.',
      `PROVIDER=$(${providerList}) &&
  if [ -n "$PROVIDER" ]; then VERB=update-oidc; else VERB=create-oidc; fi &&
  ${pools} providers $VERB ${provider.provider} ${inPool} \\
    --issuer-uri=${ISSUER} \\
    --allowed-audiences=${audience} \\
    --attribute-mapping=google.subject=assertion.sub \\
    --attribute-condition="${attributeCondition}"`,
    ),
  ]
}

/** A custom role, because every predefined one that may look at the key may do more. */
function labelSteps({ cryptoKey, member, ownerNonce }: GcpCliInput): string[] {
  const { project } = cryptoKey
  const roleList = `gcloud iam roles list --project=${project} --filter='name~"/${LABEL_ROLE}$"' --format='value(name)'`
  return [
    step(
      'The label, which shows that the key is yours; its other labels stay.',
      `gcloud kms keys update ${flagsOf(cryptoKey)} \\
  --update-labels=${OWNER_LABEL}=${ownerNonce}`,
    ),
    step(
      'A role that reads the label, for Hasp on this key alone.',
      `ROLE=$(${roleList}) &&
  { [ -n "$ROLE" ] || gcloud iam roles create ${LABEL_ROLE} --project=${project} --permissions=${LABEL_PERMISSION}; }
gcloud kms keys add-iam-policy-binding ${flagsOf(cryptoKey)} \\
  --member='${member}' \\
  --role=projects/${project}/roles/${LABEL_ROLE}`,
    ),
  ]
}

/**
 * gcloud has no command for audit configs alone: the project's policy is read, completed and set. What it says of
 * other services stays, as do exemptions; the policy's etag refuses a change that somebody made meanwhile.
 */
function auditStep({ project }: GcpKeyName): string {
  const wanted = LOG_TYPES.map((logType) => `{logType: "${logType}"}`).join(', ')
  return `# The log: Google logs no use of a key unless told to. This adds Data Access audit logs of Cloud KMS to the IAM
# policy of the project, and keeps what else is in it. It needs jq. See what changes before the last line:
# diff policy.json policy-with-log.json
gcloud projects get-iam-policy ${project} --format=json > policy.json &&
jq '[.auditConfigs[]? | select(.service == "${SERVICE}").auditLogConfigs[]?] as $had
  | .auditConfigs = [.auditConfigs[]? | select(.service != "${SERVICE}")]
    + [{service: "${SERVICE}", auditLogConfigs: ($had + [${wanted}] | unique_by(.logType))}]' \\
  policy.json > policy-with-log.json &&
gcloud projects set-iam-policy ${project} policy-with-log.json`
}

function step(what: string, commands: string): string {
  return `# ${what}\n${commands}`
}

function flagsOf({ cryptoKey, keyRing, location, project }: GcpKeyName): string {
  return `${cryptoKey} --project=${project} --location=${location} --keyring=${keyRing}`
}
