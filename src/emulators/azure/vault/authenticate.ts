import { type Claims, hasSignatureOf, readClaims, type TokenSigner } from '#emulators/azure/entra/jwt.ts'
import type { AzureRequest } from '#emulators/azure/wire/azure-reply.ts'
import { VaultError } from '#emulators/azure/wire/vault-error.ts'
import { resourceOf, type Store } from './store.ts'

const AUTHORITIES: Readonly<Record<string, string>> = {
  'azure.net': 'https://login.microsoftonline.com',
  'azure.cn': 'https://login.chinacloudapi.cn',
  'usgovcloudapi.net': 'https://login.microsoftonline.us',
}

/**
 * Who calls, by the token that they bring. Without a good one: 401 with the challenge that says where to get it.
 * @throws {VaultError}
 */
export function authenticate(
  request: AzureRequest,
  store: Store,
  { signer, nowMs }: { signer: TokenSigner; nowMs: number },
): Claims {
  const refuse = (message: string) =>
    new VaultError(401, 'Unauthorized', message, { headers: { 'www-authenticate': challengeOf(store) } })
  const [, token] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? []
  if (token === undefined) throw refuse('AKV10000: Request is missing a Bearer or PoP token.')
  const claims = readClaims(token)
  if (claims === undefined || !hasSignatureOf(token, signer.publicKey)) {
    throw refuse('[BearerReadAccessTokenFailed] Error validating token: IDX10511.')
  }
  if (claims['aud'] !== resourceOf(store)) {
    throw refuse(
      `AKV10022: Invalid audience. Expected ${resourceOf(store)}, found: ${String(claims['aud'])}.`,
    )
  }
  if (claims['tid'] !== store.tenantId) {
    throw refuse(
      `AKV10032: Invalid issuer. Expected one of https://sts.windows.net/${store.tenantId}/, found ${String(claims['iss'])}.`,
    )
  }
  if (!(nowMs / 1000 < Number(claims['exp']))) {
    throw refuse('[TokenExpired] Error validating token: IDX10223.')
  }
  return claims
}

function challengeOf(store: Store): string {
  const resource = resourceOf(store)
  const domain = Object.keys(AUTHORITIES).find((name) => resource.endsWith(`.${name}`)) ?? 'azure.net'
  return `Bearer authorization="${AUTHORITIES[domain]}/${store.tenantId}", resource="${resource}"`
}
