/** Names of query parameters that carry credentials somewhere, without `-`, `_` and in lower case. */
const credentialNames = new Set([
  'key',
  'apikey',
  'xapikey',
  'xgoogapikey',
  'xhaspkey',
  'haspkey',
  'virtualkey',
  'subscriptionkey',
  'accesskey',
  'secretkey',
  'token',
  'accesstoken',
  'authtoken',
  'apitoken',
  'bearer',
  'bearertoken',
  'auth',
  'authorization',
  'credential',
  'credentials',
  'secret',
  'clientsecret',
  'password',
])

const ampersand = 0x26
const semicolon = 0x3b

/**
 * `query` (with its `?`, or empty) without the parameters that carry credentials: names are compared decoded, without
 * case, `-`, `_` and any `[…]` behind them; `;` separates as `&` does, as some servers read it. All other bytes stay.
 */
export function withoutCredentials(query: string): string {
  let kept = ''
  let start = 1
  let isChanged = false
  for (let at = 1; at <= query.length; at++) {
    const code = at < query.length ? query.charCodeAt(at) : ampersand
    if (code !== ampersand && code !== semicolon) continue
    const parameter = query.slice(start, at)
    if (isCredential(parameter)) isChanged = true
    else kept += start === 1 || kept === '' ? parameter : query.slice(start - 1, at)
    start = at + 1
  }
  if (!isChanged) return query
  return kept === '' ? '' : `?${kept}`
}

function isCredential(parameter: string): boolean {
  const equals = parameter.indexOf('=')
  let name = equals === -1 ? parameter : parameter.slice(0, equals)
  if (name.includes('%')) name = name.replace(/%([0-9a-f]{2})/gi, decodeByte)
  const bracket = name.indexOf('[')
  if (bracket !== -1) name = name.slice(0, bracket)
  return credentialNames.has(name.toLowerCase().replace(/[-_\s+]/g, ''))
}

function decodeByte(_: string, hex: string): string {
  return String.fromCharCode(Number.parseInt(hex, 16))
}
