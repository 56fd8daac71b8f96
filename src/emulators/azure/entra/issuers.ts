import type { ServiceClock } from '#emulators/common/service-clock.ts'
import { TokenSigner } from './jwt.ts'

/** Identity providers outside Entra (a Kubernetes cluster, another cloud) whose tokens federated credentials trust. */
export class Issuers {
  readonly #clock: ServiceClock
  readonly #signers = new Map<string, TokenSigner>()

  constructor(clock: ServiceClock) {
    this.#clock = clock
  }

  add(issuer: string): void {
    this.#signers.set(issuer, new TokenSigner(`issuer-${this.#signers.size + 1}`))
  }

  find(issuer: unknown): TokenSigner | undefined {
    return typeof issuer === 'string' ? this.#signers.get(issuer) : undefined
  }

  /** What the provider would put into its workload's token file. */
  issue(of: { issuer: string; subject: string; audience?: string; lifetimeMs?: number }): string {
    const signer = this.#signers.get(of.issuer)
    if (signer === undefined) throw new Error(`There is no issuer ${of.issuer}.`)
    const now = Math.floor(this.#clock.nowMs() / 1000)
    return signer.sign({
      iss: of.issuer,
      sub: of.subject,
      aud: of.audience ?? 'api://AzureADTokenExchange',
      iat: now,
      nbf: now,
      exp: now + Math.round((of.lifetimeMs ?? 3_600_000) / 1000),
    })
  }
}
