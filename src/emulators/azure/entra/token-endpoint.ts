import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Faults } from '#emulators/common/faults.ts'
import type { ServiceClock } from '#emulators/common/service-clock.ts'
import type { AzureFaultEffect } from '#emulators/azure/faults.ts'
import { type AzureReply, type AzureRequest, jsonReply } from '#emulators/azure/wire/azure-reply.ts'
import { AadstsError } from './aadsts.ts'
import type { Application, EntraDirectory, ServicePrincipal } from './directory.ts'
import type { Issuers } from './issuers.ts'
import { hasSignatureOf, readClaims, type TokenSigner } from './jwt.ts'

export type EntraDeps = Readonly<{
  directory: EntraDirectory
  issuers: Issuers
  signer: TokenSigner
  clock: ServiceClock
  faults: Faults<AzureFaultEffect>
}>

const TOKEN_LIFETIME_S = 3599
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const RESOURCES = new Set(
  ['azure.net', 'azure.cn', 'usgovcloudapi.net'].flatMap((domain) => [
    `https://vault.${domain}`,
    `https://managedhsm.${domain}`,
  ]),
)

/** Serves an authority's host: OpenID configuration, signing keys and the v2.0 token endpoint. */
export async function serveEntra(deps: EntraDeps, request: AzureRequest): Promise<AzureReply> {
  const authority = `https://${request.host}`
  const [, tenant = '', ...rest] = request.path.split('/')
  const endpoint = rest.join('/')
  if (endpoint === 'discovery/instance') return jsonReply(200, instanceDiscovery(request.host))
  if (
    endpoint === 'v2.0/.well-known/openid-configuration' ||
    endpoint === '.well-known/openid-configuration'
  ) {
    return deps.directory.hasTenant(tenant)
      ? jsonReply(200, openidConfiguration(authority, tenant))
      : refuse(deps, new AadstsError(90002), randomUUID())
  }
  if (endpoint === 'discovery/v2.0/keys') return jsonReply(200, { keys: [deps.signer.jwk] })
  if (endpoint !== 'oauth2/v2.0/token' || request.method !== 'POST') {
    return jsonReply(404, { error: 'not_found' })
  }
  return serveToken(deps, request, tenant)
}

async function serveToken(deps: EntraDeps, request: AzureRequest, tenant: string): Promise<AzureReply> {
  const form = new URLSearchParams(request.body.toString('utf8'))
  const given = form.get('client-request-id') ?? request.headers['client-request-id']
  const correlationId = typeof given === 'string' && /^[0-9a-f-]{36}$/i.test(given) ? given : randomUUID()
  try {
    const latencyMs = deps.faults.latencyMs('Token')
    if (latencyMs > 0) await delay(latencyMs)
    const fault = deps.faults.take('Token')
    if (fault?.type === 'reset' || fault?.type === 'hang') return { type: fault.type }
    if (fault?.type === 'page') return page(fault.httpStatus)
    if (fault?.type === 'entra-error') throw new AadstsError(fault.aadsts, fault.httpStatus)
    const { principal, resource } = authenticate(deps, tenant, form)
    return jsonReply(200, {
      token_type: 'Bearer',
      expires_in: TOKEN_LIFETIME_S,
      ext_expires_in: TOKEN_LIFETIME_S,
      access_token: issueToken(deps, principal, resource),
    })
  } catch (error) {
    if (error instanceof AadstsError) return refuse(deps, error, correlationId)
    throw error
  }
}

export function page(httpStatus: number): AzureReply {
  return {
    type: 'answer',
    httpStatus,
    headers: { 'content-type': 'text/html' },
    body: '<html><body>Something on the way answered.</body></html>',
  }
}

function authenticate(
  deps: EntraDeps,
  tenant: string,
  form: URLSearchParams,
): { principal: ServicePrincipal; resource: string } {
  const { directory } = deps
  if (!directory.hasTenant(tenant)) throw new AadstsError(90002)
  if (form.get('grant_type') !== 'client_credentials') throw new AadstsError(70003)
  const clientId = form.get('client_id')
  if (clientId === null) throw new AadstsError(900144)
  const principal = directory.principal(tenant, clientId)
  if (principal === undefined) throw new AadstsError(700016)
  if (!principal.isEnabled || !principal.application.isEnabled) throw new AadstsError(7000112)
  checkProof(deps, principal.application, form)
  const scope = form.get('scope') ?? ''
  const resource = scope
    .split(' ')
    .find((one) => one.endsWith('/.default'))
    ?.slice(0, -'/.default'.length)
  if (resource === undefined) throw new AadstsError(70011)
  if (!RESOURCES.has(resource)) throw new AadstsError(500011)
  return { principal, resource }
}

/** The application proves that it is itself: by a secret, or by a token of an issuer that it trusts. */
function checkProof(deps: EntraDeps, application: Application, form: URLSearchParams): void {
  const secret = form.get('client_secret')
  if (secret !== null) {
    const state = deps.directory.checkSecret(application, secret)
    if (state !== 'good') throw new AadstsError(state === 'expired' ? 7000222 : 7000215)
    return
  }
  const assertion = form.get('client_assertion')
  if (assertion === null || form.get('client_assertion_type') !== ASSERTION_TYPE) {
    throw new AadstsError(7000216)
  }
  const claims = readClaims(assertion)
  const { federatedCredentials } = application
  if (!federatedCredentials.some(({ issuer }) => issuer === claims?.['iss'])) throw new AadstsError(700211)
  const matching = federatedCredentials.filter(({ issuer }) => issuer === claims?.['iss'])
  if (!matching.some(({ subject }) => subject === claims?.['sub'])) throw new AadstsError(700213)
  if (!matching.some(({ audience }) => audience === claims?.['aud'])) throw new AadstsError(700212)
  const signer = deps.issuers.find(claims?.['iss'])
  if (signer === undefined || !hasSignatureOf(assertion, signer.publicKey)) throw new AadstsError(700027)
  const nowS = deps.clock.nowMs() / 1000
  if (!(Number(claims?.['nbf']) <= nowS + 300 && nowS < Number(claims?.['exp'])))
    throw new AadstsError(700024)
}

function issueToken({ signer, clock }: EntraDeps, principal: ServicePrincipal, resource: string): string {
  const now = Math.floor(clock.nowMs() / 1000)
  const { tenantId, objectId, application } = principal
  const issuer = `https://sts.windows.net/${tenantId}/`
  return signer.sign({
    aud: resource,
    iss: issuer,
    iat: now,
    nbf: now,
    exp: now + TOKEN_LIFETIME_S,
    aio: randomUUID(),
    appid: application.clientId,
    appidacr: '2',
    idp: issuer,
    idtyp: 'app',
    oid: objectId,
    sub: objectId,
    tid: tenantId,
    uti: randomUUID(),
    ver: '1.0',
  })
}

function refuse({ clock }: EntraDeps, error: AadstsError, correlationId: string): AzureReply {
  return jsonReply(error.httpStatus, error.bodyAt(clock.nowMs(), correlationId))
}

function openidConfiguration(authority: string, tenant: string): object {
  return {
    token_endpoint: `${authority}/${tenant}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
    jwks_uri: `${authority}/${tenant}/discovery/v2.0/keys`,
    issuer: `${authority}/${tenant}/v2.0`,
    authorization_endpoint: `${authority}/${tenant}/oauth2/v2.0/authorize`,
    end_session_endpoint: `${authority}/${tenant}/oauth2/v2.0/logout`,
    response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
    tenant_region_scope: null,
    cloud_instance_name: new URL(authority).hostname.replace(/^login\./, ''),
  }
}

function instanceDiscovery(host: string): object {
  return {
    tenant_discovery_endpoint: `https://${host}/common/v2.0/.well-known/openid-configuration`,
    'api-version': '1.1',
    metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
  }
}
