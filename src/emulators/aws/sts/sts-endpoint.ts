import { setTimeout as delay } from 'node:timers/promises'
import type { FaultEffect } from '#emulators/aws/fault-effect.ts'
import type { Faults } from '#emulators/common/faults.ts'
import type { CloudTrail } from '#emulators/aws/trail/cloud-trail.ts'
import { deliverStsEvent } from '#emulators/aws/trail/sts-event.ts'
import type { AwsReply, AwsRequest } from '#emulators/aws/wire/aws-reply.ts'
import { clientInfo } from '#emulators/aws/wire/client-info.ts'
import { ServiceError } from '#emulators/aws/wire/service-error.ts'
import { SignatureFault, type SignatureVerifier } from '#emulators/aws/wire/signature-v4.ts'
import type { StsExchange } from './sts-exchange.ts'
import { assumeRole, getCallerIdentity, type StsAnswer, type StsDeps } from './sts-service.ts'
import { xmlError, xmlReply } from './xml.ts'

export type StsEndpointDeps = Readonly<{
  sts: StsDeps
  faults: Faults<FaultEffect>
  trail: CloudTrail
  signatures: SignatureVerifier
}>

/** Serves one Query-protocol request. */
export async function serveSts(
  deps: StsEndpointDeps,
  request: AwsRequest,
  requestId: string,
): Promise<AwsReply> {
  try {
    const signed = deps.signatures.verify(request, 'sts')
    const parameters = readParameters(request)
    const action = parameters.get('Action') ?? ''
    if (action !== 'AssumeRole' && action !== 'GetCallerIdentity') {
      throw new ServiceError(
        'InvalidAction',
        `Could not find operation ${action} for version ${parameters.get('Version') ?? ''}`,
      )
    }
    const latencyMs = deps.faults.latencyMs(action)
    if (latencyMs > 0) await delay(latencyMs)
    const fault = deps.faults.take(action)
    if (fault?.type === 'reset' || fault?.type === 'hang') return { type: fault.type }
    const client = clientInfo(request, requestId)
    const reply = carryOut(deps, { action, parameters, signed, client }, fault)
    if (fault?.type === 'reset-reply') return { type: 'reset' }
    const body = xmlReply(action, reply.members, requestId)
    return answer(200, fault?.type === 'malformed-body' ? body.slice(0, body.length / 2) : body, requestId)
  } catch (error) {
    const refusal = asServiceError(error)
    return answer(refusal.httpStatus, xmlError(refusal, requestId), requestId)
  }
}

function carryOut(deps: StsEndpointDeps, exchange: StsExchange, fault: FaultEffect | undefined): StsAnswer {
  const { action, parameters, signed } = exchange
  const nowMs = deps.sts.clock.nowMs()
  try {
    if (fault?.type === 'error') throw new ServiceError(fault.code, fault.message, fault.httpStatus)
    const call = { caller: signed.caller, parameters }
    const reply = action === 'AssumeRole' ? assumeRole(deps.sts, call) : getCallerIdentity(call)
    deliverStsEvent(deps.trail, exchange, nowMs, reply)
    return reply
  } catch (error) {
    if (error instanceof ServiceError) deliverStsEvent(deps.trail, exchange, nowMs, error)
    throw error
  }
}

function readParameters(request: AwsRequest): ReadonlyMap<string, string> {
  const isForm = String(request.headers['content-type']).startsWith('application/x-www-form-urlencoded')
  return new Map(isForm ? new URLSearchParams(request.body.toString('utf8')) : [])
}

const signatureCodes = {
  missing: 'MissingAuthenticationToken',
  incomplete: 'IncompleteSignature',
  'unknown-client': 'InvalidClientTokenId',
  mismatch: 'SignatureDoesNotMatch',
  'expired-token': 'ExpiredToken',
} as const

function asServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error
  if (error instanceof SignatureFault) {
    return new ServiceError(
      signatureCodes[error.kind],
      error.message,
      error.kind === 'incomplete' ? 400 : 403,
    )
  }
  return new ServiceError('InternalFailure', 'The emulator failed.', 500)
}

function answer(httpStatus: number, body: string, requestId: string): AwsReply {
  return { type: 'answer', httpStatus, contentType: 'text/xml', body, requestId }
}
