import { isDatabaseAway } from '#db/is-database-away.ts'

type Explained = Readonly<{ message: string; hint: string }>

const tls =
  'DATABASE_URL says by ?sslmode= how TLS is used (verify-full, or disable within one machine), and by &sslrootcert=PATH which authority is trusted.'

/** What to do about the codes of PostgreSQL (appendix A), of the system and of TLS. */
const hints: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'The PostgreSQL that DATABASE_URL names does not answer there: is it running?',
  ENOENT: 'There is no socket at the path that DATABASE_URL names: is that PostgreSQL running?',
  ENOTFOUND: 'The host that DATABASE_URL names does not exist: check its spelling.',
  EAI_AGAIN: 'The name of the host in DATABASE_URL can not be looked up: does DNS work here?',
  '28P01': 'Check the user and the password in DATABASE_URL.',
  '28000': 'The server does not let this user in from here, or only by TLS: see its pg_hba.conf. ' + tls,
  '3D000': 'Create the database that DATABASE_URL names, or name another.',
  '42501': 'The user in DATABASE_URL must own the database.',
  '53300': 'The server has no connection left: raise its max_connections, or lower HASP_DATABASE_POOL_MAX.',
  SELF_SIGNED_CERT_IN_CHAIN: tls,
  DEPTH_ZERO_SELF_SIGNED_CERT: tls,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: tls,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: tls,
  ERR_TLS_CERT_ALTNAME_INVALID: tls,
}
const silent =
  'What DATABASE_URL names was reached, or is not there, and does not answer as a PostgreSQL does: check host and port, and what stands between (firewall, proxy, security group).'

/**
 * What went wrong with the database, and what to do; undefined where something else did. Only the database is reached
 * without the API, so that whatever else fails below it says so in other words.
 */
export function explainDatabase(error: NodeJS.ErrnoException): Explained | undefined {
  const { code = '', syscall } = error
  // Of a file that is missing, not of a socket.
  if (code === 'ENOENT' && syscall !== 'connect') return undefined
  const { message } = error
  // pg gives these no code.
  const isAboutTls = message === 'The server does not support SSL connections'
  const hint = hints[code] ?? (isAboutTls ? tls : undefined)
  const isSilent = isDatabaseAway(error) || message === 'timeout expired'
  if (hint === undefined && !isSilent) return undefined
  return {
    message: `the database can not be used: ${message === '' ? code : message}`,
    hint: hint ?? silent,
  }
}
