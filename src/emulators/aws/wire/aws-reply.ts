import type { IncomingHttpHeaders } from 'node:http'

/** What goes back on the wire: an answer, or what a fault does to the connection instead. */
export type AwsReply =
  | Readonly<{ type: 'answer'; httpStatus: number; contentType: string; body: string; requestId: string }>
  | Readonly<{ type: 'reset' | 'hang' }>

export type AwsRequest = Readonly<{
  method: string
  headers: IncomingHttpHeaders
  body: Buffer
  sourceIpAddress: string
}>
