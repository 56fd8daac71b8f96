import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { auditEventOf } from '#emulators/azure/audit/audit-event.ts'
import type { DiagnosticLog } from '#emulators/azure/audit/diagnostic-log.ts'
import { page } from '#emulators/azure/entra/token-endpoint.ts'
import type { TokenSigner } from '#emulators/azure/entra/jwt.ts'
import type { AzureFaultEffect } from '#emulators/azure/faults.ts'
import { type AzureReply, type AzureRequest, jsonReply } from '#emulators/azure/wire/azure-reply.ts'
import { VaultError } from '#emulators/azure/wire/vault-error.ts'
import type { Faults } from '#emulators/common/faults.ts'
import { authenticate } from './authenticate.ts'
import { authorize } from './authorize.ts'
import type { Json, VaultCall, VaultDeps } from './call.ts'
import { parseBody } from './input.ts'
import { type Operation, route, type Routed } from './operations.ts'
import type { Store } from './store.ts'

export type VaultEndpointDeps = Readonly<{
  vault: VaultDeps
  faults: Faults<AzureFaultEffect>
  log: DiagnosticLog
  signer: TokenSigner
}>

/** The oldest and newest versions of the REST API whose form this is. */
const API_VERSION = /^(7\.[0-9](-preview(\.\d)?)?|20\d\d-\d\d-\d\d(-preview)?)$/

/** Serves one request to a store: route → (faults) → authenticate → authorise → carry out → log → answer. */
export async function serveVault(
  deps: VaultEndpointDeps,
  request: AzureRequest,
  store: Store,
): Promise<AzureReply> {
  const routed = route(request.method, request.path)
  if (routed === undefined || !API_VERSION.test(request.query.get('api-version') ?? '')) {
    return answer(request, 400, new VaultError(400, 'BadParameter', 'The request is malformed.').body)
  }
  const { name } = routed.operation
  const latencyMs = deps.faults.latencyMs(name)
  if (latencyMs > 0) await delay(latencyMs)
  // A request without a token only asks for the challenge: faults are for the ones that follow.
  const fault = request.headers.authorization === undefined ? undefined : deps.faults.take(name)
  if (fault?.type === 'reset' || fault?.type === 'hang') return { type: fault.type }
  if (fault?.type === 'page') return page(fault.httpStatus)
  const reply = await carryOut(deps, request, store, routed, fault)
  return fault?.type === 'reset-reply' ? { type: 'reset' } : reply
}

async function carryOut(
  deps: VaultEndpointDeps,
  request: AzureRequest,
  store: Store,
  routed: Routed,
  fault: AzureFaultEffect | undefined,
): Promise<AzureReply> {
  const startedAt = performance.now()
  // Read after the latency: what matters is when the call is decided, not when it arrived.
  const nowMs = deps.vault.clock.nowMs()
  const call: Partial<VaultCall> = {}
  const finish = (httpStatus: number, description: string) => {
    if (!store.isLogged) return
    const { name, version, operation } = routed
    const objectId = `https://${store.host}${name === '' ? '/' : `/keys/${name}${version === '' ? '' : `/${version}`}`}`
    deps.log.append(
      auditEventOf(request, store, {
        operationName: httpStatus === 401 ? 'Authentication' : operation.name,
        claims: call.claims,
        objectId: call.objectId ?? objectId,
        algorithm: call.algorithm,
        assignmentId: call.assignmentId,
        httpStatus,
        description,
        startedAtMs: nowMs,
        durationMs: performance.now() - startedAt,
      }),
    )
  }
  try {
    const body = await run(deps, request, { store, routed, nowMs, call, fault })
    finish(200, '')
    return answer(request, body === undefined ? 204 : 200, spoil(body, fault))
  } catch (error) {
    const refusal =
      error instanceof VaultError ? error : new VaultError(500, 'InternalServerError', 'The emulator failed.')
    finish(refusal.httpStatus, refusal.message)
    return answer(request, refusal.httpStatus, refusal.body, refusal.headers)
  }
}

async function run(
  { vault, signer }: VaultEndpointDeps,
  request: AzureRequest,
  given: {
    store: Store
    routed: Routed
    nowMs: number
    call: Partial<VaultCall>
    fault: AzureFaultEffect | undefined
  },
): Promise<Json | undefined> {
  const { store, routed, nowMs, fault } = given
  const claims = authenticate(request, store, { signer, nowMs })
  const { name, version } = routed
  const call: VaultCall = Object.assign(given.call, {
    store,
    claims,
    name,
    version,
    nowMs,
    body: parseBody(request.body),
    objectId: '',
    algorithm: undefined,
    assignmentId: undefined,
  })
  call.objectId = `https://${store.host}/keys/${name}${version === '' ? '' : `/${version}`}`
  refuseByFault(fault)
  const operation: Operation = routed.operation
  authorize(vault, call, operation, request.sourceIpAddress)
  return operation.run(vault, call)
}

function refuseByFault(fault: AzureFaultEffect | undefined): void {
  if (fault?.type === 'redirect') {
    throw new VaultError(307, 'Redirect', '', { headers: { location: 'https://elsewhere.example/' } })
  }
  if (fault?.type !== 'error') return
  const { httpStatus, code, innerCode, message = 'Injected.', retryAfterSeconds } = fault
  throw new VaultError(httpStatus, code, message, {
    innerCode,
    headers: retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) },
  })
}

/** What a fault does to a good answer on its way out. */
function spoil(body: Json | undefined, fault: AzureFaultEffect | undefined): unknown {
  if (fault?.type === 'malformed-body') return JSON.stringify(body).slice(0, -2)
  if (fault?.type === 'wrong-key-id')
    return { ...body, kid: `https://other.vault.azure.net/keys/k/${'0'.repeat(32)}` }
  return body
}

function answer(
  request: AzureRequest,
  httpStatus: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): AzureReply {
  const clientRequestId = request.headers['x-ms-client-request-id']
  const isEchoed = request.headers['x-ms-return-client-request-id'] === 'true'
  const reply = jsonReply(httpStatus, typeof body === 'string' ? undefined : body, {
    'cache-control': 'no-cache',
    'x-ms-keyvault-region': 'westeurope',
    'x-ms-keyvault-service-version': '1.9.2000.1',
    'x-ms-keyvault-network-info': `conn_type=Ipv4;addr=${request.sourceIpAddress};act_addr_fam=InterNetwork;`,
    'x-ms-request-id': randomUUID(),
    ...(isEchoed && typeof clientRequestId === 'string' ? { 'x-ms-client-request-id': clientRequestId } : {}),
    ...headers,
  })
  return reply.type === 'answer' && typeof body === 'string' ? { ...reply, body } : reply
}
