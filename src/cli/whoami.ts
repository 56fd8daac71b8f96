import type { Command } from 'commander'
import { readAll } from './api/pages.ts'
import type { AdminToken, Organisation } from './api/replies.ts'
import type { Session } from './api/session.ts'
import { addCommand, withSession, type Cli } from './command.ts'
import { formatDetails } from './output/table.ts'
import { moment } from './output/words.ts'

/** `hasp whoami` */
export function addWhoami(program: Command, cli: Cli): void {
  addCommand(program, 'whoami', {
    summary: 'Show whose token HASP_TOKEN is.',
    examples: ['hasp whoami', 'hasp whoami --json'],
  }).action(withSession(cli, whoami))
}

async function whoami({ api, out, io }: Session): Promise<void> {
  const [organisation, tokens] = await Promise.all([
    api.get<Organisation>('/organisation'),
    readAll<AdminToken>(api, '/admin-tokens'),
  ])
  const hint = hintOf(io.env['HASP_TOKEN'] ?? '')
  const token = tokens.find((one) => one.hint === hint) ?? null
  out.answer({ url: api.url, organisation, token }, () =>
    formatDetails([
      ['Hasp', api.url],
      ['Organisation', `${organisation.name}  (${organisation.id})`],
      ['Admin token', token === null ? hint : `${token.name}  ${token.hint}`],
      ['Expires', token?.expiresAt == null ? 'never' : moment(token.expiresAt)],
    ]),
  )
}

/** What Hasp shows of a token for good: its prefix, four characters and the last four. */
function hintOf(token: string): string {
  return `${token.slice(0, 'hasp_admin_'.length + 4)}…${token.slice(-4)}`
}
