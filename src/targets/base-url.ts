import type { Provider } from '#providers/provider.ts'
import { TargetError } from './target-error.ts'

const baseUrlLengthMax = 2048
/**
 * What a URL parser cuts out or reads as something else without a word (WHATWG URL, §4.4): whoever reads the text would
 * see another address than the one that gets the credential.
 */
const unplain = /[\p{Cc}\s\\]/u

/**
 * Where a target's requests go: the provider's own base URL, or one at an origin that the operator allowed. The
 * credential is sent there, so nothing else is accepted, however it is spelled.
 * @throws {TargetError} `target_base_url_refused`
 */
export function resolveBaseUrl(
  provider: Provider,
  given: string | undefined,
  allowedOrigins: ReadonlySet<string>,
): string {
  if (given === undefined) return provider.defaultBaseUrl
  if (unplain.test(given)) {
    throw refused(
      'it holds a control character, white space or a backslash; percent-encode what belongs there',
    )
  }
  const url = given.length <= baseUrlLengthMax ? URL.parse(given) : null
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw refused('it is not an http(s) URL')
  }
  if (url.username !== '' || url.password !== '') throw refused('it holds a user name or password')
  if (url.search !== '' || url.hash !== '') throw refused('it holds a query or a fragment')
  const own = URL.parse(provider.defaultBaseUrl)?.origin
  if (url.origin !== own && !allowedOrigins.has(url.origin)) {
    throw refused(
      `its origin is neither ${provider.name}'s own nor one in HASP_ALLOWED_UPSTREAMS; ask your operator to allow it`,
    )
  }
  const path = url.pathname.replace(/\/+$/, '')
  const version = versionOf(provider)
  if (version !== undefined && path.endsWith(version)) {
    const without = url.origin + path.slice(0, -version.length)
    throw refused(`it ends in ${version}, which Hasp adds by itself: give ${without} instead`)
  }
  return url.origin + path
}

/** What the paths of this provider begin with, such as `/v1`, where its SDKs have that in their base URL. */
function versionOf({ validation }: Provider): string | undefined {
  return /^\/v\d\w*(?=\/)/.exec(validation.path)?.[0]
}

function refused(why: string): TargetError {
  return new TargetError('target_base_url_refused', `This base URL is refused: ${why}.`)
}
