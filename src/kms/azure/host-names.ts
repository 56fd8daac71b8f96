import { Resolver } from 'node:dns/promises'

/** What DNS knows of a name, asked apart from the connection that failed on it. */
export interface HostNames {
  /** Undefined when it cannot be told: the resolver itself fails, or the name is shadowed by a private zone. */
  exists(host: string): Promise<boolean | undefined>
}

const RESOLVER_TIMEOUT_MS = 500

/**
 * Asks the DNS servers themselves, past the system's resolver and its files. Every vault's name is an alias
 * (CNAME), which is taken down with the vault: a name without any record is gone. A private zone that lacks an
 * address leaves the alias in place, and is not mistaken for that.
 */
export class SystemHostNames implements HostNames {
  async exists(host: string): Promise<boolean | undefined> {
    const resolver = new Resolver({ timeout: RESOLVER_TIMEOUT_MS, tries: 1 })
    try {
      return (await resolver.resolveCname(host)).length > 0 ? true : undefined
    } catch (error) {
      return error instanceof Error && 'code' in error && error.code === 'ENOTFOUND' ? false : undefined
    }
  }
}
