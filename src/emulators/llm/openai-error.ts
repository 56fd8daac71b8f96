import type { ProviderAnswer } from './dialect.ts'

/** OpenAI's error body; `type` is always `invalid_request_error` for what this mock can refuse. */
export function openaiError(
  status: number,
  message: string,
  details: { param?: string; code?: string } = {},
): ProviderAnswer {
  const { param = null, code = null } = details
  return { status, json: { error: { message, type: 'invalid_request_error', param, code } } }
}
