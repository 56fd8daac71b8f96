import { KMSClient } from '@aws-sdk/client-kms'
import type { AwsCredentials, CredentialSource } from './aws-credentials.ts'
import { credentialsFault } from './aws-faults.ts'

/** Hasp's own AWS credentials; remembers them until they expire, unless `forceRefresh`. */
export type OwnCredentialsProvider = (options?: { forceRefresh?: boolean }) => Promise<AwsCredentials>

/** The SDK's default chain: environment, shared files, web identity, container and instance metadata. */
export function defaultOwnCredentials(): OwnCredentialsProvider {
  // Any region will do: a client is the SDK's public way to its chain, and this one never sends anything.
  return new KMSClient({ region: 'us-east-1' }).config.credentials
}

/** Hasp's own principal, for KEKs whose key policy names it, and for assuming roles. */
export class OwnCredentials implements CredentialSource {
  readonly isOwnPrincipal = true
  readonly #provider: OwnCredentialsProvider
  #mustRefresh = false

  constructor(provider: OwnCredentialsProvider) {
    this.#provider = provider
  }

  async current(): Promise<AwsCredentials> {
    const forceRefresh = this.#mustRefresh
    this.#mustRefresh = false
    try {
      return await this.#provider({ forceRefresh })
    } catch {
      // The chain's own text may quote files, profiles and metadata addresses.
      throw credentialsFault()
    }
  }

  discard(): void {
    this.#mustRefresh = true
  }
}
