import { RequestError } from './request-error.ts'

/** Node keeps the first of two of these, and joins others: what stands before Hasp may have read the other one. */
const once = new Set(['authorization', 'content-length', 'content-type', 'host', 'idempotency-key'])

/**
 * @param rawHeaders Node's flat list: name, value, name, value …
 * @throws {RequestError} `header_invalid` when a header that decides something comes twice.
 */
export function refuseRepeatedHeaders(rawHeaders: readonly string[]): void {
  const seen = new Set<string>()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase()
    if (!once.has(name)) continue
    if (seen.has(name)) throw new RequestError('header_invalid', `The header "${name}" comes twice.`)
    seen.add(name)
  }
}
