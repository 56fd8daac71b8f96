export type CliErrorCode =
  /** The command line or the environment is at fault; nothing was tried. */
  | 'usage'
  | 'configuration_invalid'
  | 'confirmation_needed'
  | 'credential_missing'
  | 'credential_file_refused'
  | 'credential_malformed'
  /** Something was tried and did not come out well. */
  | 'unreachable'
  | 'timed_out'
  | 'not_hasp'
  | 'not_found'
  | 'name_ambiguous'
  | 'name_unknown'
  | 'not_confirmed'
  | 'cancelled'
  | 'verification_failed'
  | 'credential_rejected'
  | 'command_failed'
  | 'drill_ended'
  | 'token_lost'
  | 'file_exists'
  | 'port_unavailable'
  | 'data_dir_unusable'
  | 'database_empty'
  | 'sdk_missing'

const misuses: ReadonlySet<CliErrorCode> = new Set<CliErrorCode>([
  'usage',
  'configuration_invalid',
  'confirmation_needed',
  'credential_missing',
  'credential_file_refused',
  'credential_malformed',
])

/** What a command fails with on its own account. Neither `message` nor `hint` ever holds a secret. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly code: CliErrorCode
  /** What to type or to set next. */
  readonly hint: string | undefined

  constructor(code: CliErrorCode, message: string, hint?: string) {
    super(message)
    this.code = code
    this.hint = hint
  }

  /** 2 for misuse, 1 for everything else. */
  get exitCode(): 1 | 2 {
    return misuses.has(this.code) ? 2 : 1
  }
}
