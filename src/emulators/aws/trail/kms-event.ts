import type { JsonObject } from '#emulators/aws/kms/input.ts'
import type { KmsKey } from '#emulators/aws/kms/kms-key.ts'
import type { KmsCall } from '#emulators/aws/kms/operation.ts'
import { isoSeconds } from '#emulators/aws/service-dates.ts'
import type { ClientInfo } from '#emulators/aws/wire/client-info.ts'
import type { ServiceError } from '#emulators/aws/wire/service-error.ts'
import type { CloudTrail } from './cloud-trail.ts'
import { userIdentity } from './user-identity.ts'

/**
 * Writes one KMS call to the trails that get it: the caller's, and the key owner's where that is another account
 * and access was not denied (KMS Developer Guide, "Logging with AWS CloudTrail"). A denied call's record names
 * neither parameters nor resources: only its requestID and message tell which call it was.
 */
export function deliverKmsEvent(
  trail: CloudTrail,
  call: KmsCall,
  client: ClientInfo,
  outcome: { isReadOnly: boolean; refusal: ServiceError | undefined },
): void {
  const { audit, caller } = call
  const { refusal } = outcome
  const isDenied = refusal?.code === 'AccessDeniedException'
  const owners = isDenied ? [] : audit.resources.map((resource) => resource.accountId)
  trail.deliver(
    {
      eventVersion: '1.11',
      userIdentity: userIdentity(caller),
      eventTime: isoSeconds(call.nowMs),
      eventSource: 'kms.amazonaws.com',
      eventName: call.operation,
      awsRegion: call.region,
      sourceIPAddress: client.sourceIpAddress,
      userAgent: client.userAgent,
      ...(refusal && {
        errorCode: isDenied ? 'AccessDenied' : refusal.code,
        ...(refusal.message === '' ? {} : { errorMessage: refusal.message }),
      }),
      requestParameters: isDenied ? null : requestParameters(call.input, audit.requestDefaults),
      responseElements: refusal === undefined ? (audit.responseElements ?? null) : null,
      ...(audit.materialId === undefined || refusal
        ? {}
        : { additionalEventData: { keyMaterialId: audit.materialId } }),
      requestID: client.requestId,
      readOnly: outcome.isReadOnly,
      ...(isDenied || audit.resources.length === 0 ? {} : { resources: audit.resources.map(resourceOf) }),
      eventType: 'AwsApiCall',
      managementEvent: true,
      eventCategory: 'Management',
    },
    [...new Set([caller.principal.accountId, ...owners])],
  )
}

/** The proof of destruction: KMS's own event, with no request behind it. */
export function deliverDeleteKeyEvent(trail: CloudTrail, kmsKey: KmsKey, nowMs: number): void {
  trail.deliver(
    {
      eventVersion: '1.11',
      userIdentity: { accountId: kmsKey.accountId, invokedBy: 'AWS Internal' },
      eventTime: isoSeconds(nowMs),
      eventSource: 'kms.amazonaws.com',
      eventName: 'DeleteKey',
      awsRegion: kmsKey.region,
      sourceIPAddress: 'AWS Internal',
      userAgent: 'AWS Internal',
      requestParameters: null,
      responseElements: null,
      readOnly: false,
      resources: [resourceOf(kmsKey)],
      eventType: 'AwsServiceEvent',
      managementEvent: true,
      eventCategory: 'Management',
    },
    [kmsKey.accountId],
  )
}

function resourceOf(kmsKey: KmsKey): { accountId: string; type: string; ARN: string } {
  return { accountId: kmsKey.accountId, type: 'AWS::KMS::Key', ARN: kmsKey.arn }
}

/** Never what the call was about: plaintext and ciphertext are left out, as CloudTrail leaves them out. */
const UNLOGGED = new Set(['Plaintext', 'CiphertextBlob', 'GrantTokens', 'Message', 'Recipient'])

function requestParameters(input: JsonObject, defaults: JsonObject): JsonObject {
  const logged: Record<string, unknown> = { ...defaults }
  for (const [member, value] of Object.entries(input)) {
    if (!UNLOGGED.has(member) && value !== null)
      logged[member.charAt(0).toLowerCase() + member.slice(1)] = value
  }
  return logged
}
