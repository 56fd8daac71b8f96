import { createPublicKey, type KeyObject } from 'node:crypto'

export type IdentityProvider = {
  /** `projects/<number>/locations/global/workloadIdentityPools/<pool>/providers/<provider>` */
  readonly name: string
  readonly poolName: string
  readonly issuer: string
  /** Empty allows only Google's default audience: the provider's own URL. */
  readonly allowedAudiences: readonly string[]
  /** What `assertion.sub` must be; undefined where there is no condition. */
  readonly subject: string | undefined
  /** Of an issuer of the customer's own; Google's are known. */
  readonly publicKeys: ReadonlyMap<string, KeyObject>
  isDisabled: boolean
}

export type NewIdentityProvider = Readonly<{
  name: string
  issuer: string
  allowedAudiences?: readonly string[] | undefined
  /** CEL; the emulator judges `assertion.sub == '…'` and refuses every other. */
  attributeCondition?: string | undefined
  /** JSON Web Keys of the issuer, as `--jwk-json-path` uploads them. */
  jwks?: readonly Readonly<Record<string, unknown>>[] | undefined
}>

const NAME =
  /^(projects\/\d+\/locations\/global\/workloadIdentityPools\/[a-z0-9-]{4,32})\/providers\/[a-z0-9-]{4,32}$/
const SUBJECT_CONDITION = /^\s*(?:assertion\.sub|google\.subject)\s*==\s*(?:'([^']+)'|"([^"]+)")\s*$/

/** The OIDC providers in all workload identity pools; each maps `google.subject=assertion.sub`. */
export class IdentityProviders {
  readonly #providers = new Map<string, IdentityProvider>()

  /** @throws {Error} for a name, condition or key that the emulator could not judge exactly */
  add(wanted: NewIdentityProvider): IdentityProvider {
    const poolName = NAME.exec(wanted.name)?.[1]
    if (poolName === undefined) throw new Error(`${wanted.name} is no name of a provider.`)
    if (this.#providers.has(wanted.name)) throw new Error(`${wanted.name} exists already.`)
    const provider = {
      name: wanted.name,
      poolName,
      issuer: wanted.issuer,
      allowedAudiences: wanted.allowedAudiences ?? [],
      subject: subjectOf(wanted.attributeCondition),
      publicKeys: new Map((wanted.jwks ?? []).map((jwk) => [String(jwk['kid']), publicKeyOf(jwk)])),
      isDisabled: false,
    }
    this.#providers.set(provider.name, provider)
    return provider
  }

  find(name: string): IdentityProvider | undefined {
    return this.#providers.get(name)
  }

  remove(name: string): void {
    this.#providers.delete(name)
  }
}

function subjectOf(condition: string | undefined): string | undefined {
  if (condition === undefined) return undefined
  const found = SUBJECT_CONDITION.exec(condition)
  const subject = found?.[1] ?? found?.[2]
  if (subject === undefined) throw new Error('The emulator judges only conditions like assertion.sub == "…".')
  return subject
}

function publicKeyOf(jwk: Readonly<Record<string, unknown>>): KeyObject {
  return createPublicKey({ key: jwk, format: 'jwk' })
}
