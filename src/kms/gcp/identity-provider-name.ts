import { KekFault } from '#kms/kek-fault.ts'

export type IdentityProviderName = Readonly<{
  /** `projects/<number>/locations/global/workloadIdentityPools/…/providers/…` */
  name: string
  projectNumber: string
  pool: string
  provider: string
}>

const NAME =
  /^projects\/(\d{1,20})\/locations\/global\/workloadIdentityPools\/([a-z0-9-]{4,32})\/providers\/([a-z0-9-]{4,32})$/

/**
 * Takes the resource name of a workload identity pool's provider apart.
 * @throws {KekFault} `misconfigured`
 */
export function parseIdentityProviderName(name: string): IdentityProviderName {
  const [, projectNumber = '', pool = '', provider = ''] = NAME.exec(name) ?? []
  if (projectNumber !== '') return { name, projectNumber, pool, provider }
  throw new KekFault(
    'misconfigured',
    'malformed-identity-provider',
    'Give the full name of the provider: projects/<project number>/locations/global/workloadIdentityPools/<pool>/providers/<provider>.',
  )
}

/** What the token exchange calls its `audience`: whose provider is asked. */
export function exchangeAudience(provider: IdentityProviderName): string {
  return `//iam.googleapis.com/${provider.name}`
}

/** The principal that IAM policies name for `subject`, once the provider has let it in. */
export function federatedPrincipal({ projectNumber, pool }: IdentityProviderName, subject: string): string {
  return `principal://iam.googleapis.com/projects/${projectNumber}/locations/global/workloadIdentityPools/${pool}/subject/${subject}`
}
