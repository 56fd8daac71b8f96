/** SQLSTATEs (PostgreSQL, appendix A) and system errors of a server that is not there, not yet or not any more. */
const codes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  // too_many_connections, object_not_in_prerequisite_state (a database that takes no connections)
  '53300',
  '55000',
  // admin_shutdown, crash_shutdown, cannot_connect_now
  '57P01',
  '57P02',
  '57P03',
])

/** pg's own errors have no code. */
const messages = /^(timeout exceeded when trying to connect|Connection terminated)/

/** Whether what failed is the connection to the database, and not what was asked of it. */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return codes.has(code) || code.startsWith('08') || messages.test(error.message)
}
