import { RequestError } from './request-error.ts'

/**
 * When something is to expire; null for never.
 * @throws {RequestError} `body_invalid` unless it is a moment still to come.
 */
export function expiryOf(given: string | null | undefined, now: Date): Date | null {
  if (given === null || given === undefined) return null
  const expiresAt = new Date(given)
  // RFC 3339 has leap seconds, JavaScript has not.
  if (Number.isNaN(expiresAt.getTime()))
    throw new RequestError('body_invalid', 'body.expiresAt is no moment that can be represented.')
  if (expiresAt <= now) throw new RequestError('body_invalid', 'body.expiresAt has passed already.')
  return expiresAt
}
