import { openai } from '#providers/openai.ts'
import type { Refusal } from '#proxy/refusal.ts'
import type { RefusalStatus } from '#proxy/refusal-rules.ts'
import type { ErrorDialect } from './error-dialect.ts'

/** https://platform.openai.com/docs/guides/error-codes; the SDKs choose the class by status, people read `code`. */
const types: Record<RefusalStatus, string> = {
  400: 'invalid_request_error',
  401: 'invalid_request_error',
  403: 'permission_error',
  404: 'invalid_request_error',
  405: 'invalid_request_error',
  408: 'server_error',
  413: 'invalid_request_error',
  415: 'invalid_request_error',
  429: 'rate_limit_error',
  500: 'server_error',
  502: 'server_error',
  503: 'server_error',
  504: 'server_error',
}

export const openaiErrors: ErrorDialect = {
  requestIdHeader: openai.requestIdHeader,
  body,
  /**
   * Two line ends: a half-written event then ends on its own and ours stands apart. OpenAI's SDK gives up at the half
   * event as malformed; readers that skip it find ours.
   */
  streamEvent: (refusal) => `\n\ndata: ${JSON.stringify(body(refusal))}\n\n`,
}

function body({ status, code, message }: Refusal) {
  return { error: { message, type: types[status], param: null, code } }
}
