import type { KeyManagementServiceClient } from '@google-cloud/kms'
import { KekFault } from '#kms/kek-fault.ts'
import type { AccessToken, TokenSource } from './access-token.ts'
import { connectionFailed, faultOf, judgeRefusal, malformedReply } from './gcp-faults.ts'
import { type GcpOperation, refusalOf } from './gcp-refusal.ts'

type Deps = Readonly<{
  channel: () => Promise<KeyManagementServiceClient>
  tokens: TokenSource
  timeoutMs: number
}>

export type GcpRequest = Readonly<{ name: string }> & Readonly<Record<string, unknown>>

type CallSettings = Readonly<{
  /** Written into the customer's audit log as `requestMetadata.requestAttributes.reason`. */
  requestReason: string
  signal: AbortSignal | undefined
}>

/**
 * One call of Google KMS under a token of `tokens`; where Google refuses the token itself, once more under a fresh
 * one. The SDK's own retries and time limits (ten minutes of them) are switched off.
 *
 * @returns the reply as the SDK decodes it, unchecked
 * @throws {KekFault}
 */
export async function callGcp(
  deps: Deps,
  operation: GcpOperation,
  request: GcpRequest,
  settings: CallSettings,
): Promise<Record<string, unknown>> {
  const { requestReason } = settings
  for (let isRetry = false; ; isRetry = true) {
    const token = await deps.tokens.current()
    try {
      return await send(deps, operation, request, settings, token)
    } catch (error) {
      if (error instanceof KekFault) throw error
      const refusal = refusalOf(error)
      if (refusal === undefined) throw connectionFailed(requestReason)
      if (refusal.status === 'UNAUTHENTICATED' && !isRetry) {
        deps.tokens.discard(token)
        continue
      }
      throw faultOf(judgeRefusal(refusal, operation), refusal, requestReason)
    }
  }
}

type InnerCall = (request: GcpRequest, options: object) => Promise<readonly unknown[]>

async function send(
  deps: Deps,
  operation: GcpOperation,
  request: GcpRequest,
  { requestReason, signal }: CallSettings,
  { token }: AccessToken,
): Promise<Record<string, unknown>> {
  const channel = await deps.channel()
  // Not channel.encrypt() and channel.decrypt(): these write request and reply, DEK and all, to a log that an
  // environment variable of the SDK's (GOOGLE_SDK_NODE_LOGGING) switches on.
  // The SDK declares its generated calls as Function.
  const call = channel.innerApiCalls[operation.toLowerCase()] as InnerCall
  const [reply] = await call(request, {
    timeout: deps.timeoutMs,
    retry: null,
    ...(signal === undefined ? {} : { signal }),
    otherArgs: {
      headers: {
        authorization: `Bearer ${token}`,
        'x-goog-request-params': `name=${encodeURIComponent(request.name)}`,
        'x-goog-request-reason': requestReason,
      },
    },
  })
  if (typeof reply !== 'object' || reply === null) throw malformedReply(requestReason)
  return reply as Record<string, unknown>
}
