/** `Retry-After` in seconds, as HTTP has it, in milliseconds; a date or nonsense is ignored. */
export function retryAfterMsOf(header: string | readonly string[] | undefined): number | undefined {
  return typeof header === 'string' && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : undefined
}
