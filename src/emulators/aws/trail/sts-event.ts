import { isoSeconds } from '#emulators/aws/service-dates.ts'
import type { StsExchange } from '#emulators/aws/sts/sts-exchange.ts'
import type { StsAnswer } from '#emulators/aws/sts/sts-service.ts'
import { ServiceError } from '#emulators/aws/wire/service-error.ts'
import type { CloudTrail } from './cloud-trail.ts'
import { userIdentity } from './user-identity.ts'

/** Writes one STS call to the caller's trail, and a role that was assumed to its owner's as well. */
export function deliverStsEvent(
  trail: CloudTrail,
  exchange: StsExchange,
  nowMs: number,
  outcome: StsAnswer | ServiceError,
): void {
  const { caller, region } = exchange.signed
  const refusal = outcome instanceof ServiceError ? outcome : undefined
  const success = outcome instanceof ServiceError ? undefined : outcome
  const role = success?.role
  trail.deliver(
    {
      eventVersion: '1.11',
      userIdentity: userIdentity(caller),
      eventTime: isoSeconds(nowMs),
      eventSource: 'sts.amazonaws.com',
      eventName: exchange.action,
      awsRegion: region,
      sourceIPAddress: exchange.client.sourceIpAddress,
      userAgent: exchange.client.userAgent,
      ...(refusal && { errorCode: refusal.code, errorMessage: refusal.message }),
      requestParameters: refusal?.code === 'AccessDenied' ? null : requestParameters(exchange.parameters),
      responseElements: success?.responseElements ?? null,
      requestID: exchange.client.requestId,
      readOnly: true,
      ...(role && { resources: [{ accountId: role.accountId, type: 'AWS::IAM::Role', ARN: role.arn }] }),
      eventType: 'AwsApiCall',
      managementEvent: true,
      eventCategory: 'Management',
    },
    [...new Set([caller.principal.accountId, role?.accountId ?? caller.principal.accountId])],
  )
}

function requestParameters(parameters: ReadonlyMap<string, string>): Record<string, unknown> | null {
  const logged = [...parameters]
    .filter(([name]) => name !== 'Action' && name !== 'Version')
    .map(([name, value]) => [
      name.charAt(0).toLowerCase() + name.slice(1),
      name === 'DurationSeconds' ? Number(value) : value,
    ])
  return logged.length === 0 ? null : Object.fromEntries(logged)
}
