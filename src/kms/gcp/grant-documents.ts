import { randomUUID } from 'node:crypto'
import type { GrantDocument } from '#kms/kek-grant-linter.ts'
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
  logCheck: string
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

/** The least role that wraps and unwraps: cryptoKeyVersions.useToEncrypt and useToDecrypt, no look at the key. */
const ROLE = 'roles/cloudkms.cryptoKeyEncrypterDecrypter'
const ISSUER = 'https://accounts.google.com'

/**
 * A new audience, which Hasp makes and nobody chooses: a token for it is good in the one pool that allows it, so that
 * nobody can have Hasp use another customer's key by naming it as their own.
 */
export function newGcpAudience(): string {
  return `hasp-${randomUUID()}`
}

/** What lets Hasp use one key, and nothing else. */
export function gcpGrantDocuments(input: GcpGrantInput): GcpGrant {
  const { identityProvider, keyName, serviceAccount } = input
  const key = parseGcpKeyName(keyName)
  if (identityProvider === null) {
    const member = `serviceAccount:${serviceAccount}`
    return {
      summary:
        'Grant the role on this one key, not on its key ring or project, put the label on the key, which shows that it is yours, and let Hasp read that label. Prefer a workload identity pool of your own: it lets Hasp in for you alone, and needs no label.',
      documents: [
        bindingDocument(member),
        { title: 'Label of the key', body: json({ [OWNER_LABEL]: input.ownerNonce }) },
        { title: 'Permissions of a custom role that reads the label', body: json([LABEL_PERMISSION]) },
        auditDocument,
      ],
      terraform: gcpTerraformForm(input, key),
      cli: {
        title: 'Commands for gcloud',
        body: [bindingCommand(key, member), ...labelCommands(key, member, input.ownerNonce)].join('\n'),
      },
      logCheck: logCheckOf(key),
    }
  }
  const provider = parseIdentityProviderName(identityProvider)
  const member = federatedPrincipal(provider, input.subject)
  const { audience, subject } = input
  const oidc = {
    name: provider.name,
    oidc: { issuerUri: ISSUER, allowedAudiences: [audience] },
    attributeMapping: { 'google.subject': 'assertion.sub' },
    attributeCondition: `assertion.sub == '${subject}'`,
  }
  const commands = [
    `gcloud iam workload-identity-pools create ${provider.pool} --project=${provider.projectNumber} --location=global`,
    `gcloud iam workload-identity-pools providers create-oidc ${provider.provider} --project=${provider.projectNumber} --location=global --workload-identity-pool=${provider.pool} --issuer-uri=${ISSUER} --allowed-audiences=${audience} --attribute-mapping=google.subject=assertion.sub --attribute-condition="assertion.sub == '${subject}'"`,
    bindingCommand(key, member),
  ]
  return {
    summary:
      'Create the provider in your workload identity pool: it lets in Hasp alone, and for your audience alone. Then grant that identity the role on this one key.',
    documents: [
      { title: 'Provider in the workload identity pool', body: json(oidc) },
      bindingDocument(member),
      auditDocument,
    ],
    terraform: gcpTerraformForm(input, key),
    cli: { title: 'Commands for gcloud', body: commands.join('\n') },
    logCheck: logCheckOf(key),
  }
}

function bindingDocument(member: string): GrantDocument {
  return { title: 'Binding for the IAM policy of the key', body: json({ role: ROLE, members: [member] }) }
}

const auditDocument: GrantDocument = {
  title: 'auditConfigs for the IAM policy of the project',
  body: json({
    auditConfigs: [
      {
        service: 'cloudkms.googleapis.com',
        auditLogConfigs: [{ logType: 'DATA_READ' }, { logType: 'DATA_WRITE' }],
      },
    ],
  }),
}

function bindingCommand({ cryptoKey, keyRing, location, project }: GcpKeyName, member: string): string {
  return `gcloud kms keys add-iam-policy-binding ${cryptoKey} --project=${project} --location=${location} --keyring=${keyRing} --member='${member}' --role=${ROLE}`
}

/** A custom role, because every predefined one that may look at the key may do more. */
function labelCommands(
  { cryptoKey, keyRing, location, project }: GcpKeyName,
  member: string,
  nonce: string,
): string[] {
  const key = `${cryptoKey} --project=${project} --location=${location} --keyring=${keyRing}`
  return [
    `gcloud kms keys update ${key} --update-labels=${OWNER_LABEL}=${nonce}`,
    `gcloud iam roles create haspReadsLabel --project=${project} --permissions=${LABEL_PERMISSION}`,
    `gcloud kms keys add-iam-policy-binding ${key} --member='${member}' --role=projects/${project}/roles/haspReadsLabel`,
  ]
}

function logCheckOf({ project }: GcpKeyName): string {
  return `Google logs no use of a key unless told to: add the auditConfigs to the IAM policy of project ${project}, verify the KEK, then look for its calls: gcloud logging read 'protoPayload.serviceName="cloudkms.googleapis.com" AND protoPayload.methodName=("Encrypt" OR "Decrypt")' --project=${project} --limit=5. The reason of each (protoPayload.requestMetadata.requestAttributes.reason) is the KMS request id that Hasp shows.`
}

function json(value: object): string {
  return JSON.stringify(value, null, 2)
}
