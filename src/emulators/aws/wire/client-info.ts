import type { AwsRequest } from './aws-reply.ts'

/** What CloudTrail records of where a call came from. */
export type ClientInfo = Readonly<{ requestId: string; sourceIpAddress: string; userAgent: string }>

export function clientInfo(request: AwsRequest, requestId: string): ClientInfo {
  return {
    requestId,
    sourceIpAddress: request.sourceIpAddress,
    userAgent: (request.headers['user-agent'] ?? '').slice(0, 1024),
  }
}
