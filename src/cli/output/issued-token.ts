import { CliError } from '#cli/cli-error.ts'
import { printLine } from '#cli/io.ts'
import type { Session } from '#cli/api/session.ts'

export type IssueOptions = Readonly<{ json?: boolean; quiet?: boolean }>

/**
 * Hands a token over, this once: alone on standard output with `--quiet`, so that `$(…)` takes it.
 * @throws {CliError} `token_lost` when the answer was a replay, which no longer has it
 */
export function handOver(
  { io, out }: Session,
  issued: { id: string; name: string; token: string | null },
  options: IssueOptions,
  text: (token: string) => string,
): void {
  const { token } = issued
  if (token === null) {
    throw new CliError(
      'token_lost',
      `"${issued.name}" (${issued.id}) was issued, but its token was lost on the way and can not be shown again.`,
      'Revoke it by its id and issue another.',
    )
  }
  if (options.quiet === true) {
    printLine(io, token)
    return
  }
  out.answer(issued, () => text(token))
  out.note('\nThis token is shown this once: Hasp keeps only a digest of it. Put it where your secrets live.')
}
