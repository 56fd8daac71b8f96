import { setTimeout as delay } from 'node:timers/promises'
import type { FaultEffect } from '#emulators/aws/fault-effect.ts'
import type { Faults } from '#emulators/common/faults.ts'
import type { CloudTrail } from '#emulators/aws/trail/cloud-trail.ts'
import { deliverKmsEvent } from '#emulators/aws/trail/kms-event.ts'
import type { AwsReply, AwsRequest } from '#emulators/aws/wire/aws-reply.ts'
import { clientInfo, type ClientInfo } from '#emulators/aws/wire/client-info.ts'
import { ServiceError } from '#emulators/aws/wire/service-error.ts'
import { SignatureFault, type SignatureVerifier } from '#emulators/aws/wire/signature-v4.ts'
import { parseInput, type JsonObject } from './input.ts'
import type { KmsCall, KmsDeps, Operation } from './operation.ts'
import { findOperation } from './operations.ts'

const CONTENT_TYPE = 'application/x-amz-json-1.1'
const TARGET_PREFIX = 'TrentService.'

export type KmsEndpointDeps = Readonly<{
  kms: KmsDeps
  faults: Faults<FaultEffect>
  trail: CloudTrail
  signatures: SignatureVerifier
}>

/** Serves one AWS JSON 1.1 request: authenticate → read → (faults) → carry out → write to the trails → answer. */
export async function serveKms(
  deps: KmsEndpointDeps,
  request: AwsRequest,
  requestId: string,
): Promise<AwsReply> {
  try {
    const { call, operation } = readCall(deps, request)
    const latencyMs = deps.faults.latencyMs(call.operation)
    if (latencyMs > 0) await delay(latencyMs)
    const fault = deps.faults.take(call.operation)
    if (fault?.type === 'reset' || fault?.type === 'hang') return { type: fault.type }
    const client = clientInfo(request, requestId)
    // The clock is read after the latency: what matters is when the call is decided, not when it arrived.
    const reply = carryOut(deps, { ...call, nowMs: deps.kms.clock.nowMs() }, operation, client, fault)
    return fault?.type === 'reset-reply' ? { type: 'reset' } : answer(200, spoil(reply, fault), requestId)
  } catch (error) {
    return refuse(error, requestId)
  }
}

function readCall(deps: KmsEndpointDeps, request: AwsRequest): { call: KmsCall; operation: Operation } {
  const { caller, region } = deps.signatures.verify(request, 'kms')
  const target = String(request.headers['x-amz-target'])
  const name = target.startsWith(TARGET_PREFIX) ? target.slice(TARGET_PREFIX.length) : ''
  const operation = findOperation(name)
  if (operation === undefined) throw new ServiceError('UnknownOperationException')
  return {
    operation,
    call: {
      operation: name,
      input: parseInput(request.body),
      caller,
      region,
      nowMs: 0,
      audit: { resources: [], materialId: undefined, responseElements: undefined, requestDefaults: {} },
    },
  }
}

function carryOut(
  deps: KmsEndpointDeps,
  call: KmsCall,
  operation: Operation,
  client: ClientInfo,
  fault: FaultEffect | undefined,
): JsonObject {
  const { isReadOnly } = operation
  try {
    if (fault?.type === 'error') throw new ServiceError(fault.code, fault.message, fault.httpStatus)
    const reply = operation.run(deps.kms, call)
    deliverKmsEvent(deps.trail, call, client, { isReadOnly, refusal: undefined })
    return reply
  } catch (error) {
    if (error instanceof ServiceError)
      deliverKmsEvent(deps.trail, call, client, { isReadOnly, refusal: error })
    throw error
  }
}

/** What a fault does to a good answer on its way out. */
function spoil(reply: JsonObject, fault: FaultEffect | undefined): string {
  if (fault?.type === 'malformed-body') return JSON.stringify(reply).slice(0, -2)
  if (fault?.type === 'wrong-key-id')
    return JSON.stringify({ ...reply, KeyId: otherKeyArn(String(reply['KeyId'])) })
  if (fault?.type === 'patch-reply') return JSON.stringify({ ...reply, ...fault.members })
  return JSON.stringify(reply)
}

function otherKeyArn(arn: string): string {
  return arn.replace(/[^/]+$/, '00000000-0000-4000-8000-000000000000')
}

function refuse(error: unknown, requestId: string): AwsReply {
  const { code, message, httpStatus } = asServiceError(error)
  return answer(
    httpStatus,
    JSON.stringify({ __type: code, ...(message === '' ? {} : { message }) }),
    requestId,
  )
}

const signatureCodes = {
  missing: 'MissingAuthenticationTokenException',
  incomplete: 'IncompleteSignatureException',
  'unknown-client': 'UnrecognizedClientException',
  mismatch: 'InvalidSignatureException',
  'expired-token': 'ExpiredTokenException',
} as const

function asServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error
  if (error instanceof SignatureFault) return new ServiceError(signatureCodes[error.kind], error.message)
  return new ServiceError('KMSInternalException', 'The emulator failed.', 500)
}

function answer(httpStatus: number, body: string, requestId: string): AwsReply {
  return { type: 'answer', httpStatus, contentType: CONTENT_TYPE, body, requestId }
}
