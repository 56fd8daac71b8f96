import type { Command } from 'commander'
import { addGroup, type Cli } from '#cli/command.ts'
import { addTokenIssue } from './issue.ts'
import { addTokenList } from './list.ts'
import { addTokenRevoke } from './revoke.ts'

/** `hasp token …` */
export function addToken(program: Command, cli: Cli): void {
  const group = addGroup(program, 'token', {
    summary: 'Admin tokens of your organisation.',
    details:
      'Whoever holds one manages everything of your organisation; none can open a credential. Admin tokens are named by name or by id.',
    examples: ['hasp token issue --name ada --expires 30d', 'hasp token list', 'hasp token revoke ada'],
  })
  addTokenIssue(group, cli)
  addTokenList(group, cli)
  addTokenRevoke(group, cli)
}
