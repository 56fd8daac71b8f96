import type { IncomingHttpHeaders } from 'node:http'

/** What goes back on the wire: an answer, or what a fault does to the connection instead. */
export type AzureReply =
  | Readonly<{ type: 'answer'; httpStatus: number; headers: Readonly<Record<string, string>>; body: string }>
  | Readonly<{ type: 'reset' | 'hang' }>

export type AzureRequest = Readonly<{
  method: string
  /** The host that was asked for, in lower case, without its port. */
  host: string
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  body: Buffer
  sourceIpAddress: string
  tlsVersion: string
}>

export function jsonReply(
  httpStatus: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): AzureReply {
  return {
    type: 'answer',
    httpStatus,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: body === undefined ? '' : JSON.stringify(body),
  }
}
