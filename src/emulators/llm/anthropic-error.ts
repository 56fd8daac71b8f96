import type { ProviderAnswer } from './dialect.ts'

type AnthropicErrorType = 'authentication_error' | 'invalid_request_error' | 'not_found_error'

/** Anthropic's error body (https://docs.anthropic.com/en/api/errors). */
export function anthropicError(
  status: number,
  type: AnthropicErrorType,
  message: string,
  requestId: string,
): ProviderAnswer {
  return { status, json: { type: 'error', error: { type, message }, request_id: requestId } }
}
