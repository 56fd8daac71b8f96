import { setTimeout as delay } from 'node:timers/promises'
import type { Faults } from '#emulators/common/faults.ts'
import type { AuditLog } from '#emulators/google/audit/audit-log.ts'
import { writeEntry } from '#emulators/google/audit/log-entry.ts'
import type { FaultEffect } from '#emulators/google/fault-effect.ts'
import type { Principal } from '#emulators/google/iam/principal.ts'
import type { TokenService } from '#emulators/google/tokens/token-service.ts'
import type { Message } from '#emulators/google/wire/protobuf.ts'
import { asStatusError, StatusError } from '#emulators/google/wire/status-error.ts'
import type { KmsCall, KmsDeps, Method } from './method.ts'

export type CallDeps = Readonly<{
  kms: KmsDeps
  tokens: TokenService
  faults: Faults<FaultEffect>
  log: AuditLog
}>

/** One call as it arrived, whether over gRPC or REST. */
export type IncomingCall = Readonly<{
  method: Method
  request: () => Message
  authorization: string | undefined
  requestReason: string | undefined
  userAgent: string
  callerIp: string
}>

/** What goes back: an answer, a refusal, or what a fault does to the connection instead. */
export type CallOutcome =
  | Readonly<{ type: 'reply'; reply: Message; isMalformed: boolean }>
  | Readonly<{ type: 'refusal'; error: StatusError }>
  | Readonly<{ type: 'reset' | 'hang' }>

/** Authenticate → read → (latency, faults) → carry out → write to the log → answer. */
export async function serveCall(deps: CallDeps, incoming: IncomingCall): Promise<CallOutcome> {
  try {
    const { method } = incoming
    const principal = authenticate(deps.tokens, incoming.authorization)
    const request = incoming.request()
    const latencyMs = latencyOf(deps.faults, method.name, request)
    if (latencyMs > 0) await delay(latencyMs)
    const fault = deps.faults.take(method.name)
    if (fault?.type === 'reset' || fault?.type === 'hang') return { type: fault.type }
    const reply = carryOut(deps, incoming, principal, request, fault)
    if (fault?.type === 'reset-reply') return { type: 'reset' }
    return { type: 'reply', reply: spoil(reply, fault), isMalformed: fault?.type === 'malformed-body' }
  } catch (error) {
    return { type: 'refusal', error: asStatusError(error) }
  }
}

function authenticate(tokens: TokenService, authorization: string | undefined): Principal {
  const token = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1]
  if (token === undefined) {
    throw new StatusError(
      'UNAUTHENTICATED',
      'Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other valid authentication credential.',
      { reason: 'CREDENTIALS_MISSING' },
    )
  }
  const principal = tokens.principalOf(token)
  if (principal !== undefined) return principal
  throw new StatusError(
    'UNAUTHENTICATED',
    'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.',
    { reason: 'ACCESS_TOKEN_EXPIRED' },
  )
}

/** Latency is set for a method, or for a location: that of its region's service. */
function latencyOf(faults: Faults<FaultEffect>, method: string, request: Message): number {
  const named = request['name'] ?? request['parent']
  const location = typeof named === 'string' ? /\/locations\/([^/]+)/.exec(named)?.[1] : undefined
  return (
    faults.latencyMs(method) +
    (location === undefined ? 0 : faults.latencyMs(`location:${location}`, 'exact'))
  )
}

function carryOut(
  deps: CallDeps,
  incoming: IncomingCall,
  principal: Principal,
  request: Message,
  fault: FaultEffect | undefined,
): Message {
  const { method } = incoming
  const call: KmsCall = {
    principal,
    request,
    // Read after the latency: what matters is when the call is decided, not when it arrived.
    nowMs: deps.kms.clock.nowMs(),
    isDamaged: fault?.type === 'damaged-request',
    audit: { resourceName: '', resource: undefined, authorizations: [] },
  }
  const caller = { ...incoming, principal }
  try {
    if (fault?.type === 'error')
      throw new StatusError(fault.code, fault.message ?? 'Injected by the emulator.', fault)
    const reply = method.run(deps.kms, call)
    writeEntry(deps.log, call, caller, undefined)
    return reply
  } catch (error) {
    const refusal = asStatusError(error)
    nameResource(deps, call)
    writeEntry(deps.log, call, caller, refusal)
    throw refusal
  }
}

/** A fault that came before the method looked at its request. */
function nameResource({ kms }: CallDeps, { audit, request }: KmsCall): void {
  const named = request['name'] ?? request['resource'] ?? request['parent']
  if (audit.resourceName !== '' || typeof named !== 'string') return
  audit.resourceName = named
  audit.resource = kms.resources.find(named)
}

/** What a fault does to a good answer on its way out. */
function spoil(reply: Message, fault: FaultEffect | undefined): Message {
  if (fault?.type === 'wrong-key')
    return {
      ...reply,
      name: 'projects/other/locations/global/keyRings/other/cryptoKeys/other/cryptoKeyVersions/1',
    }
  if (fault?.type !== 'damaged-reply') return reply
  const member = 'plaintext' in reply ? 'plaintext' : 'ciphertext'
  const bytes = reply[member]
  if (!Buffer.isBuffer(bytes) || bytes.length === 0) return reply
  const damaged = Buffer.from(bytes)
  damaged.writeUInt8(damaged.readUInt8(0) ^ 1, 0)
  return { ...reply, [member]: damaged }
}
