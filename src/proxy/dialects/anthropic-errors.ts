import { anthropic } from '#providers/anthropic.ts'
import type { Refusal } from '#proxy/refusal.ts'
import type { RefusalStatus } from '#proxy/refusal-rules.ts'
import type { ErrorDialect } from './error-dialect.ts'

/** https://docs.anthropic.com/en/api/errors */
const types: Record<RefusalStatus, string> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  405: 'invalid_request_error',
  408: 'timeout_error',
  413: 'request_too_large',
  415: 'invalid_request_error',
  429: 'rate_limit_error',
  500: 'api_error',
  502: 'api_error',
  // Not overloaded_error: agents answer that one by changing the model.
  503: 'api_error',
  504: 'timeout_error',
}

export const anthropicErrors: ErrorDialect = {
  requestIdHeader: anthropic.requestIdHeader,
  body: (refusal, requestId) => ({ ...errorOf(refusal), request_id: requestId }),
  /**
   * One line end: where an event was half written, its name becomes `error` and Anthropic's SDKs raise an APIError
   * that carries both halves, instead of failing to parse the first.
   */
  streamEvent: (refusal) => `\nevent: error\ndata: ${JSON.stringify(errorOf(refusal))}\n\n`,
}

/** `details.error_code` is where Anthropic names the cause; its SDKs show it as `errorCode`. */
function errorOf({ status, code, message }: Refusal) {
  return { type: 'error', error: { type: types[status], message, details: { error_code: code } } }
}
