import { EntraRefusal, VaultRefusal, type VaultOperation } from '#kms/azure/azure-refusal.ts'
import { entraFaultOf } from '#kms/azure/entra-faults.ts'
import { readEntraRefusal } from '#kms/azure/read-entra-refusal.ts'
import { readRefusal } from '#kms/azure/read-reply.ts'
import { transportFault } from '#kms/azure/transport-faults.ts'
import { judgeVaultRefusal, vaultFaultOf } from '#kms/azure/vault-faults.ts'
import type { KekFault, KekFaultKind } from '#kms/kek-fault.ts'

type Response = Readonly<{ status: number; headers: Record<string, string>; body: string }>

export type AzureFaultFixture = Readonly<{
  name: string
  /** As it comes off the wire; null where nothing came. */
  response: Response | null
  expected: KekFaultKind
  /** What the provider makes of it. */
  faultOf: () => KekFault
}>

/** Azure's texts name what must not reach a reader of the fault. */
export const TELLTALE =
  'Caller: appid=11111111-2222-4333-8444-555555555555;oid=66666666-7777-4888-8999-aaaaaaaaaaaa Vault: contoso-kv;location=westeurope'
const TENANT_ID = '0e6a1c3e-7c0a-4b0e-9d3c-3a1f5b2c4d6e'
const OTHER_TENANT_ID = '9f7b2d4f-8d1b-4c1f-8e4d-4b206c3d5e7f'
const CLIENT_REQUEST_ID = '3d2c1b0a-0f1e-4d2c-8b3a-495867768594'

const vaultRow = (
  expected: KekFaultKind,
  name: string,
  operation: VaultOperation,
  response: Response,
): AzureFaultFixture => ({
  name: `${operation}: ${name}`,
  response,
  expected,
  faultOf: () => {
    const refusal = readRefusal(response.status, response.headers, response.body)
    if (!(refusal instanceof VaultRefusal)) return refusal
    return vaultFaultOf(judgeVaultRefusal(refusal, operation, TENANT_ID), refusal, CLIENT_REQUEST_ID)
  },
})

const coded = (
  status: number,
  code: string,
  innerCode?: string,
  headers: Record<string, string> = {},
  message = TELLTALE,
): Response => ({
  status,
  headers,
  body: JSON.stringify({
    error: { code, message, ...(innerCode === undefined ? {} : { innererror: { code: innerCode } }) },
  }),
})

const forbidden = (innerCode: string): Response => coded(403, 'Forbidden', innerCode)
const challenge = (tenantId: string) => ({
  'www-authenticate': `Bearer authorization="https://login.microsoftonline.com/${tenantId}", resource="https://vault.azure.net"`,
})

const entraRow = (expected: KekFaultKind, aadsts: number, status: number): AzureFaultFixture => {
  const response: Response = {
    status,
    headers: {},
    body: JSON.stringify({
      error: 'unauthorized_client',
      error_description: `AADSTS${aadsts}: ${TELLTALE} Trace ID: 1 Correlation ID: 2 Timestamp: 3`,
      error_codes: [aadsts],
      correlation_id: CLIENT_REQUEST_ID,
    }),
  }
  return { name: `token: AADSTS${aadsts}`, response, expected, faultOf: () => entraFault(response) }
}

function entraFault({ status, headers, body }: Response): KekFault {
  const refusal = readEntraRefusal({ status, headers, bodyAsText: body })
  return refusal instanceof EntraRefusal ? entraFaultOf(refusal) : refusal
}

const transportRow = (code: Parameters<typeof transportFault>[0]): AzureFaultFixture => ({
  name: `transport: ${code}`,
  response: null,
  expected: 'unreachable',
  faultOf: () => transportFault(code),
})

const revokedCodes = [
  'KeyDisabled',
  'ForbiddenByRbac',
  'AccessDenied',
  'ForbiddenByPolicy',
  'KeyOperationForbidden',
] as const

/** One row for each answer of docs/kms-azure.md, "Faults". */
export const azureFaultFixtures: readonly AzureFaultFixture[] = [
  ...revokedCodes.flatMap((code) => [
    vaultRow('revoked', `403 ${code}`, 'unwrapKey', forbidden(code)),
    vaultRow('revoked', `403 ${code}`, 'wrapKey', forbidden(code)),
  ]),
  vaultRow('revoked', '403 of an unknown kind', 'unwrapKey', forbidden('ForbiddenBySomethingNew')),
  vaultRow('revoked', '403 without an inner code', 'unwrapKey', coded(403, 'Forbidden')),
  vaultRow('revoked', '404 KeyNotFound', 'unwrapKey', coded(404, 'KeyNotFound')),
  vaultRow('revoked', '404 KeyNotFound', 'getKey', coded(404, 'KeyNotFound')),
  vaultRow('revoked', '404 VaultNotFound', 'unwrapKey', coded(404, 'VaultNotFound')),
  vaultRow('revoked', '404 of another kind', 'unwrapKey', coded(404, 'NotFound')),
  vaultRow(
    'revoked',
    '409 ObjectIsDeletedButRecoverable',
    'unwrapKey',
    coded(409, 'Conflict', 'ObjectIsDeletedButRecoverable'),
  ),
  vaultRow(
    'revoked',
    '403 ObjectIsDeletedButRecoverable',
    'unwrapKey',
    coded(403, 'Forbidden', 'ObjectIsDeletedButRecoverable'),
  ),
  vaultRow(
    'revoked',
    '409 ObjectIsBeingDeleted',
    'unwrapKey',
    coded(409, 'Conflict', 'ObjectIsBeingDeleted'),
  ),
  vaultRow('revoked', '403 KeyDisabled', 'getKey', forbidden('KeyDisabled')),

  vaultRow('misconfigured', '403 ForbiddenByRbac', 'getKey', forbidden('ForbiddenByRbac')),
  vaultRow('misconfigured', '403 AccessDenied', 'getKey', forbidden('AccessDenied')),
  vaultRow('misconfigured', '403 ForbiddenByFirewall', 'unwrapKey', forbidden('ForbiddenByFirewall')),
  vaultRow('misconfigured', '403 ForbiddenByConnection', 'unwrapKey', forbidden('ForbiddenByConnection')),
  vaultRow(
    'misconfigured',
    '403 that speaks of the firewall only in its text',
    'unwrapKey',
    coded(403, 'Forbidden', undefined, {}, 'Client address is not authorized and caller is not trusted.'),
  ),
  vaultRow('misconfigured', '403 KeyExpired', 'wrapKey', forbidden('KeyExpired')),
  vaultRow('misconfigured', '403 KeyNotYetValid', 'wrapKey', forbidden('KeyNotYetValid')),
  vaultRow(
    'misconfigured',
    '400 BadParameter (a key of another type)',
    'wrapKey',
    coded(400, 'BadParameter'),
  ),
  vaultRow(
    'misconfigured',
    '401 of a vault in another tenant',
    'unwrapKey',
    coded(401, 'Unauthorized', undefined, challenge(OTHER_TENANT_ID)),
  ),

  vaultRow('tampered', '400 BadParameter', 'unwrapKey', coded(400, 'BadParameter')),

  vaultRow('ours', '401', 'unwrapKey', coded(401, 'Unauthorized', undefined, challenge(TENANT_ID))),
  vaultRow('ours', '401 without a challenge', 'unwrapKey', coded(401, 'Unauthorized')),
  vaultRow('ours', '400 of another kind', 'unwrapKey', coded(400, 'InvalidApiVersion')),

  vaultRow('throttled', '429', 'unwrapKey', coded(429, 'Throttled', undefined, { 'retry-after': '7' })),
  vaultRow('throttled', '429 of a proxy', 'unwrapKey', { status: 429, headers: {}, body: '<html>' }),

  vaultRow('unreachable', '500', 'unwrapKey', coded(500, 'InternalServerError')),
  vaultRow('unreachable', '503 that names a code of ours', 'unwrapKey', coded(503, 'KeyDisabled')),
  vaultRow('unreachable', '504 of a proxy', 'unwrapKey', { status: 504, headers: {}, body: '' }),
  vaultRow('unreachable', '408', 'unwrapKey', coded(408, 'RequestTimeout')),
  vaultRow('unreachable', '403 of a proxy', 'unwrapKey', { status: 403, headers: {}, body: '<html>' }),
  vaultRow('unreachable', '404 of a proxy', 'unwrapKey', { status: 404, headers: {}, body: 'null' }),
  vaultRow(
    'unreachable',
    '409 being recovered',
    'unwrapKey',
    coded(409, 'Conflict', 'ObjectIsBeingRecovered'),
  ),
  vaultRow('unreachable', '418', 'unwrapKey', coded(418, 'toString', 'constructor')),
  vaultRow('unreachable', '302', 'unwrapKey', { status: 302, headers: {}, body: '' }),
  ...(
    [
      'timeout',
      'aborted',
      'host-not-found',
      'connection-failed',
      'malformed-reply',
      'reply-too-large',
    ] as const
  ).map(transportRow),

  ...[
    700016, 7000112, 7000229, 65001, 65004, 90002, 500011, 500014, 50105, 501051, 650052, 5000224, 53003,
  ].map((aadsts) => entraRow('revoked', aadsts, 400)),
  ...[
    7000215, 7000222, 700024, 700027, 70021, 700211, 700212, 700213, 50012, 50027, 7000216, 7000218, 70011,
    900144,
  ].map((aadsts) => entraRow('ours', aadsts, 401)),
  ...[50196, 90055].map((aadsts) => entraRow('throttled', aadsts, 400)),
  entraRow('throttled', 99_999_998, 429),
  ...[90033, 50000].map((aadsts) => entraRow('unreachable', aadsts, 503)),
  entraRow('unreachable', 99_999_997, 400),
  {
    name: 'token: a page of a proxy',
    response: { status: 403, headers: {}, body: '<html>' },
    expected: 'unreachable',
    faultOf: () => entraFault({ status: 403, headers: {}, body: '<html>' }),
  },
]
