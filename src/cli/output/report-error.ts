import { CommanderError } from 'commander'
import { ApiProblem } from '#cli/api/api-problem.ts'
import { CliError } from '#cli/cli-error.ts'
import { ConfigError } from '#config/load-config.ts'
import { printError, type CliIo } from '#cli/io.ts'
import { asTyped, commandWord } from './as-typed.ts'
import { explainDatabase } from './explain-database.ts'
import { explainMisuse } from './misuse.ts'
import { printable } from './printable.ts'
import { wrap } from './wrap.ts'

type Report = Readonly<{
  code: string
  message: string
  hint?: string | undefined
  status?: number
  requestId?: string | null
}>

/**
 * Says on standard error what went wrong: in words, or as `{"error": {…}}` for machines, with every member always
 * there.
 * @returns the exit code: 2 for misuse, 1 for everything else
 */
export function reportError(io: CliIo, error: unknown, isJson: boolean): 1 | 2 {
  const report = describe(error, io)
  if (isJson) {
    const { code, message, hint = null, status = null, requestId = null } = report
    printError(io, JSON.stringify({ error: { code, message, hint, status, requestId } }))
  } else if (!(error instanceof CommanderError) || error.code !== 'commander.help') {
    printReport(io, report)
  }
  if (error instanceof CliError) return error.exitCode
  return error instanceof CommanderError || error instanceof ConfigError ? 2 : 1
}

function printReport(io: CliIo, { code, message, hint, status, requestId }: Report): void {
  printError(io, wrapped(`hasp: ${lines(message)}`, io, 0))
  if (status !== undefined) {
    const id = typeof requestId === 'string' ? `, request ${requestId}` : ''
    printError(io, `  (${code}, HTTP ${status}${id})`)
  }
  if (hint === undefined) return
  const text = wrapped(lines(hint), io, hintIndent.length)
  printError(io, `\n${text.replace(/^(?=.)/gm, hintIndent)}`)
}

const hintIndent = '  '

/** Prose in lines that fit the terminal; a line with something to type stays whole, so that it can be copied. */
function wrapped(text: string, io: CliIo, indent: number): string {
  if (io.stderr.isTTY !== true) return text
  const width = (io.stdout.columns ?? 80) - indent
  const isTyped = (line: string) => line.startsWith('export ') || line.includes(`${commandWord(io)} `)
  return text
    .split('\n')
    .flatMap((line) => (isTyped(line) && !line.startsWith('hasp: ') ? [line] : wrap(line, width)))
    .join('\n')
}

/** The report of `error`, with the commands in its hint as they are typed here. */
function describe(error: unknown, io: CliIo): Report {
  const report = explain(error, io.argv)
  return report.hint === undefined ? report : { ...report, hint: asTyped(report.hint, commandWord(io)) }
}

function explain(error: unknown, argv: readonly string[]): Report {
  if (error instanceof CliError) return { code: error.code, message: error.message, hint: error.hint }
  if (error instanceof CommanderError) return { code: 'usage', ...explainMisuse(error, argv) }
  if (error instanceof ApiProblem) {
    const { code, message, status, requestId } = error
    return { code, message, hint: error.hint ?? hintFor(error), status, requestId }
  }
  if (error instanceof ConfigError) return { code: 'configuration_invalid', message: error.message }
  const code =
    error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'internal'
  const database = error instanceof Error ? explainDatabase(error) : undefined
  if (database !== undefined) return { code, ...database }
  // An AggregateError of Node's, for a name with several addresses, has no message of its own.
  const message = error instanceof Error && error.message !== '' ? error.message : `failed (${code})`
  return { code, message, hint: hints[code] }
}

function hintFor({ status, code }: ApiProblem): string | undefined {
  if (status === 401) {
    return 'HASP_TOKEN is not an admin token of this Hasp, or was revoked or has expired. Put another into HASP_TOKEN; your operator can make a new organisation with one: hasp org create NAME'
  }
  return hints[code]
}

const hints: Readonly<Record<string, string>> = {
  credential_not_checkable:
    'Can the machine that runs Hasp reach that address (DNS, firewall, proxy)? To store the credential without asking its provider, add --no-validate.',
  credential_rejected_by_provider:
    'Is it whole, of this provider, and not revoked there? A key of another place needs --base-url.',
  target_base_url_refused:
    'Whoever runs Hasp allows an origin by HASP_ALLOWED_UPSTREAMS, a list separated by commas, and starts it again.',
  admin_token_last: 'Make another first: hasp token issue --name NAME',
}

function lines(text: string): string {
  return text.split('\n').map(printable).join('\n')
}
