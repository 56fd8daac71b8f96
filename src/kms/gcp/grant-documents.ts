import { randomUUID } from 'node:crypto'
import type { GrantDocument, LogCheck } from '#kms/kek-grant-linter.ts'
import { gcpCliForm } from './cli-form.ts'
import { ISSUER, LOG_TYPES, ROLE, SERVICE } from './grant-parts.ts'
import { federatedPrincipal, parseIdentityProviderName } from './identity-provider-name.ts'
import { type GcpKeyName, parseGcpKeyName } from './key-name.ts'
import { LABEL_PERMISSION, OWNER_LABEL } from './owner-label.ts'
import { gcpTerraformForm } from './terraform-form.ts'

/** What the customer is to grant, ready to paste. */
type GcpGrant = Readonly<{
  summary: string
  documents: readonly GrantDocument[]
  terraform: GrantDocument
  cli: GrantDocument
  logCheck: LogCheck
}>

export type GcpGrantInput = Readonly<{
  keyName: string
  /** Null for the direct shape: the key is granted to Hasp's own service account. */
  identityProvider: string | null
  audience: string
  /** The word that proves the owner of a key that is granted directly. */
  ownerNonce: string
  /** E-mail of Hasp's service account. */
  serviceAccount: string
  /** Its unique id: the `sub` of the tokens that it identifies itself with. */
  subject: string
}>

/**
 * A new audience, which Hasp makes and nobody chooses: a token for it is good in the one pool that allows it, so that
 * nobody can have Hasp use another customer's key by naming it as their own.
 */
export function newGcpAudience(): string {
  return `hasp-${randomUUID()}`
}

/** What lets Hasp use one key, and nothing else. */
export function gcpGrantDocuments(input: GcpGrantInput): GcpGrant {
  const { identityProvider, keyName, ownerNonce, serviceAccount } = input
  const cryptoKey = parseGcpKeyName(keyName)
  if (identityProvider === null) {
    const member = `serviceAccount:${serviceAccount}`
    return {
      summary:
        'Grant the role on this one key, not on its key ring or project, put the label on the key, which shows that it is yours, and let Hasp read that label. Prefer a workload identity pool of your own: it lets Hasp in for you alone, and needs no label.',
      documents: [
        bindingDocument(member),
        { title: 'Label of the key', body: json({ [OWNER_LABEL]: ownerNonce }) },
        { title: 'Permissions of a custom role that reads the label', body: json([LABEL_PERMISSION]) },
        auditDocument,
      ],
      terraform: gcpTerraformForm(input, cryptoKey),
      cli: gcpCliForm({ cryptoKey, member, federation: null, ownerNonce }),
      logCheck: logCheckOf(cryptoKey),
    }
  }
  const provider = parseIdentityProviderName(identityProvider)
  const member = federatedPrincipal(provider, input.subject)
  const { audience, subject } = input
  const attributeCondition = `assertion.sub == '${subject}'`
  const oidc = {
    name: provider.name,
    oidc: { issuerUri: ISSUER, allowedAudiences: [audience] },
    attributeMapping: { 'google.subject': 'assertion.sub' },
    attributeCondition,
  }
  return {
    summary:
      'Create the provider in your workload identity pool: it lets in Hasp alone, and for your audience alone. Then grant that identity the role on this one key, and let Google log every use of it, which it does not by itself.',
    documents: [
      { title: 'Provider in the workload identity pool', body: json(oidc) },
      bindingDocument(member),
      auditDocument,
    ],
    terraform: gcpTerraformForm(input, cryptoKey),
    cli: gcpCliForm({
      cryptoKey,
      member,
      federation: { provider, audience, attributeCondition },
      ownerNonce,
    }),
    logCheck: logCheckOf(cryptoKey),
  }
}

function bindingDocument(member: string): GrantDocument {
  return { title: 'Binding for the IAM policy of the key', body: json({ role: ROLE, members: [member] }) }
}

const auditDocument: GrantDocument = {
  title: 'auditConfigs for the IAM policy of the project',
  body: json({
    auditConfigs: [{ service: SERVICE, auditLogConfigs: LOG_TYPES.map((logType) => ({ logType })) }],
  }),
}

function logCheckOf({ project }: GcpKeyName): LogCheck {
  return {
    command: `gcloud logging read 'protoPayload.serviceName="${SERVICE}" AND protoPayload.methodName=("Encrypt" OR "Decrypt")' --project=${project} --limit=5`,
    note: `It shows the calls of a verification; the reason of each (protoPayload.requestMetadata.requestAttributes.reason) is the KMS request id that Hasp shows. Google logs no use of a key unless told to: the IAM policy of project ${project} must have the auditConfigs of this grant.`,
  }
}

function json(value: object): string {
  return JSON.stringify(value, null, 2)
}
