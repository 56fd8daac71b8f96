import { Resolver } from 'node:dns/promises'

/** What DNS knows of a name, asked apart from the connection that failed on it. */
export interface HostNames {
  /** Undefined when it cannot be told. */
  exists(host: string): Promise<boolean | undefined>
}

const RESOLVER_TIMEOUT_MS = 500

/**
 * Asks the DNS servers themselves, past the system's resolver and its files. Every vault's name is an alias
 * (CNAME), which is taken down with the vault: a name without any record is gone. A private zone that lacks an
 * address leaves the alias in place, and is not mistaken for that.
 */
export class SystemHostNames implements HostNames {
  readonly #servers: readonly string[] | undefined

  /** @param servers addresses with ports, in place of the system's */
  constructor(servers?: readonly string[]) {
    this.#servers = servers
  }

  async exists(host: string): Promise<boolean | undefined> {
    const resolver = new Resolver({ timeout: RESOLVER_TIMEOUT_MS, tries: 1 })
    if (this.#servers !== undefined) resolver.setServers(this.#servers)
    try {
      await resolver.resolveCname(host)
      return true
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      // No record of this type is a name all the same; only NXDOMAIN is none.
      if (code === 'ENODATA') return true
      return code === 'ENOTFOUND' ? false : undefined
    }
  }
}

/** Where connections go elsewhere than DNS says, DNS says nothing of them. */
export const unknownHostNames: HostNames = { exists: async () => undefined }
