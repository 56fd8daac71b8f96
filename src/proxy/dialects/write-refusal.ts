import type { Dialect } from '#providers/provider.ts'
import type { Refusal } from '#proxy/refusal.ts'
import { anthropicErrors } from './anthropic-errors.ts'
import type { ErrorDialect } from './error-dialect.ts'
import { openaiErrors } from './openai-errors.ts'

const dialects: Record<Dialect, ErrorDialect> = { openai: openaiErrors, anthropic: anthropicErrors }

/** The body of an error answer that carries `refusal`, as JSON in UTF-8. */
export function refusalBody(dialect: Dialect, refusal: Refusal, requestId: string): Buffer {
  return Buffer.from(JSON.stringify(dialects[dialect].body(refusal, requestId)))
}

/** The headers of an error answer: name, value, name, value …; content-length is left to whoever writes it. */
export function refusalHeaders(dialect: Dialect, refusal: Refusal, requestId: string): string[] {
  const headers = ['content-type', 'application/json; charset=utf-8', 'cache-control', 'no-store']
  headers.push('x-hasp-error', refusal.code, dialects[dialect].requestIdHeader, requestId)
  // Both official SDKs obey this header before they look at the status.
  if (refusal.isTerminal) headers.push('x-should-retry', 'false')
  if (refusal.retryAfterSeconds !== undefined) headers.push('retry-after', String(refusal.retryAfterSeconds))
  if (refusal.allow !== undefined) headers.push('allow', refusal.allow)
  return headers
}

/**
 * What is written into a running server-sent stream before it is cut, so that its reader gets an error and not an
 * end. Only for a stream that is not compressed; any other is cut by destroying its connection.
 */
export function streamRefusal(dialect: Dialect, refusal: Refusal): Buffer {
  return Buffer.from(dialects[dialect].streamEvent(refusal))
}
