import { randomUUID } from 'node:crypto'
import type { Claims } from '#emulators/azure/entra/jwt.ts'
import type { Store } from '#emulators/azure/vault/store.ts'
import type { AzureRequest } from '#emulators/azure/wire/azure-reply.ts'

/** One record of category AuditEvent, as a diagnostic setting delivers it ("Azure Key Vault logging"). */
export type AuditEvent = Readonly<{
  time: string
  category: 'AuditEvent'
  operationName: string
  operationVersion: string
  resultType: 'Success' | 'Failed'
  resultSignature: string
  resultDescription: string
  durationMs: string
  callerIpAddress: string
  /** `x-ms-client-request-id`, if the caller sent a GUID. */
  correlationId: string
  identity: Readonly<{ claim: Readonly<Record<string, unknown>> }>
  properties: Readonly<Record<string, unknown>>
  /** In capitals. */
  resourceId: string
}>

const SIGNATURES: Readonly<Record<number, string>> = {
  200: 'OK',
  204: 'No Content',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export function auditEventOf(
  request: AzureRequest,
  store: Store,
  done: {
    operationName: string
    claims: Claims | undefined
    objectId: string
    algorithm: string | undefined
    assignmentId: string | undefined
    httpStatus: number
    description: string
    startedAtMs: number
    durationMs: number
  },
): AuditEvent {
  const given = request.headers['x-ms-client-request-id']
  const { claims } = done
  return {
    time: new Date(done.startedAtMs).toISOString(),
    category: 'AuditEvent',
    operationName: done.operationName,
    operationVersion: request.query.get('api-version') ?? '',
    resultType: done.httpStatus < 400 ? 'Success' : 'Failed',
    resultSignature: SIGNATURES[done.httpStatus] ?? String(done.httpStatus),
    resultDescription: done.description,
    durationMs: String(Math.round(done.durationMs)),
    callerIpAddress: request.sourceIpAddress,
    correlationId: typeof given === 'string' && GUID.test(given) ? given : randomUUID(),
    identity: {
      claim:
        claims === undefined
          ? {}
          : {
              'http://schemas.microsoft.com/identity/claims/objectidentifier': claims['oid'],
              appid: claims['appid'],
              xms_az_nwperimid: [],
            },
    },
    properties: {
      id: done.objectId,
      clientInfo: (request.headers['user-agent'] ?? '').slice(0, 1024),
      requestUri: `https://${request.host}${request.path}${request.query.size > 0 ? `?${request.query.toString()}` : ''}`,
      httpStatusCode: done.httpStatus,
      tlsVersion: request.tlsVersion.replace('TLSv1.', 'TLS1_'),
      ...(done.algorithm === undefined ? {} : { algorithm: done.algorithm }),
      isRbacAuthorized: done.assignmentId !== undefined,
      appliedAssignmentId: done.assignmentId ?? null,
      addrAuthType: 'PublicIP',
      isAddressAuthorized: true,
    },
    resourceId: store.resourceId.toUpperCase(),
  }
}
