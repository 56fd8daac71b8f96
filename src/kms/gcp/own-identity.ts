import { readFile } from 'node:fs/promises'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { KekFault } from '#kms/kek-fault.ts'
import { withinTime } from '#kms/within-time.ts'
import type { AccessToken } from './access-token.ts'
import { noOwnCredentials, ownTokenFault, tokenUnreachable } from './token-faults.ts'

export type OwnIdentityOptions = Readonly<{
  /** A service account's JSON key; without it Application Default Credentials (environment, metadata server). */
  credentialsFile?: string | undefined
  /** In place of Google's own token service (an emulator): only the operator sets it. */
  authEndpoint?: string | undefined
  universeDomain: string
  timeoutMs: number
  now: () => number
}>

/** What of google-auth-library's clients is used; only identities that can also sign in elsewhere have the second. */
type GoogleClient = Readonly<{
  credentials: { expiry_date?: number | null }
  getAccessToken: () => Promise<{ token?: string | null }>
  fetchIdToken?: (audience: string) => Promise<string>
}>

/** The file that Google gives for a service account's key. Any other kind of credential names hosts of its own. */
const ServiceAccountKey = Type.Object({
  type: Type.Literal('service_account'),
  client_email: Type.String({ minLength: 1 }),
  private_key: Type.String({ minLength: 1 }),
  private_key_id: Type.String({ minLength: 1 }),
})

const SCOPE = 'https://www.googleapis.com/auth/cloudkms'
/** Google's tokens live for an hour; where the library does not say, this much of it is counted on. */
const TOKEN_LIFE_MS = 30 * 60_000
const GOOGLE_TOKEN_HOST = 'https://oauth2.googleapis.com'

/** Who Hasp is to Google: a service account, by key file or by the machine that Hasp runs on. */
export class OwnIdentity {
  readonly #options: OwnIdentityOptions
  #client: Promise<GoogleClient> | undefined

  constructor(options: OwnIdentityOptions) {
    this.#options = options
  }

  /** A new access token, not a remembered one. @throws {KekFault} `ours`, `unreachable` or `throttled` */
  fetchAccessToken(): Promise<AccessToken> {
    // A client of its own each time: the library remembers a token that Google has already refused.
    this.#client = undefined
    return this.#inTime(async (client) => {
      const { token } = await client.getAccessToken()
      if (typeof token !== 'string' || token === '') throw noOwnCredentials()
      return { token, expiresAtMs: client.credentials.expiry_date ?? this.#options.now() + TOKEN_LIFE_MS }
    })
  }

  /** A token that says who Hasp is, signed by Google and good for `audience` alone. @throws {KekFault} */
  fetchIdToken(audience: string): Promise<string> {
    return this.#inTime(async (client) => {
      if (client.fetchIdToken !== undefined) return client.fetchIdToken(audience)
      throw new KekFault(
        'ours',
        'no-id-token',
        'Hasp’s own Google credentials cannot make identity tokens: run it as a service account.',
      )
    })
  }

  /** Within one time limit, whatever the library does: where it asks a metadata server, it has none of its own. */
  #inTime<Result>(ask: (client: GoogleClient) => Promise<Result>): Promise<Result> {
    const { timeoutMs } = this.#options
    const call = async () => ask(await this.#open()).catch(rethrow)
    return withinTime(call, { timeoutMs, signal: undefined, discard: undefined })
  }

  async #open(): Promise<GoogleClient> {
    this.#client ??= this.#build()
    try {
      return await this.#client
    } catch {
      this.#client = undefined
      // The library's own text may quote files and metadata addresses.
      throw noOwnCredentials()
    }
  }

  async #build(): Promise<GoogleClient> {
    const { GoogleAuth, JWT } = await import('google-auth-library')
    const { credentialsFile, universeDomain } = this.#options
    const options = { universeDomain, transporterOptions: this.#transport() }
    if (credentialsFile === undefined) {
      return new GoogleAuth({ scopes: [SCOPE], clientOptions: options }).getClient()
    }
    const account = Value.Parse(ServiceAccountKey, JSON.parse(await readFile(credentialsFile, 'utf8')))
    const { client_email: email, private_key: privateKey, private_key_id: keyId } = account
    return new JWT({ ...options, email, key: privateKey, keyId, scopes: [SCOPE] })
  }

  /** The library's defaults are three retries and no time limit. */
  #transport() {
    const { authEndpoint, timeoutMs } = this.#options
    const call: typeof fetch = (input, init) =>
      fetch(authEndpoint === undefined ? input : redirected(input, authEndpoint), {
        ...init,
        signal: AbortSignal.timeout(timeoutMs),
      })
    return { retry: false, retryConfig: { retry: 0, noResponseRetries: 0 }, fetchImplementation: call }
  }
}

function redirected(input: Parameters<typeof fetch>[0], authEndpoint: string): Parameters<typeof fetch>[0] {
  const url = input instanceof Request ? input.url : String(input)
  return url.startsWith(GOOGLE_TOKEN_HOST) ? authEndpoint + url.slice(GOOGLE_TOKEN_HOST.length) : input
}

/** Nothing of the library's error is kept: it carries the signed assertion. */
function rethrow(error: unknown): never {
  if (error instanceof KekFault) throw error
  const { data, status } = fieldsOf(fieldsOf(error)['response'])
  if (typeof status !== 'number') throw tokenUnreachable()
  const { error: code, error_description: description } = fieldsOf(data)
  throw ownTokenFault({
    httpStatus: status,
    error: typeof code === 'string' ? code : '',
    description: typeof description === 'string' ? description : '',
  })
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
