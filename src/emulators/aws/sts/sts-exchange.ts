import type { ClientInfo } from '#emulators/aws/wire/client-info.ts'
import type { VerifiedRequest } from '#emulators/aws/wire/signature-v4.ts'

/** One authenticated STS call, as it is carried out and as it is logged. */
export type StsExchange = Readonly<{
  action: 'AssumeRole' | 'GetCallerIdentity'
  parameters: ReadonlyMap<string, string>
  signed: VerifiedRequest
  client: ClientInfo
}>
