import type { Command } from 'commander'
import { addGroup, type Cli } from '#cli/command.ts'
import { addVkeyIssue } from './issue.ts'
import { addVkeyList } from './list.ts'
import { addVkeyRevoke } from './revoke.ts'
import { addVkeyShow } from './show.ts'
import { addVkeyUpdate } from './update.ts'

/** `hasp vkey …` */
export function addVkey(program: Command, cli: Cli): void {
  const group = addGroup(program, 'vkey', {
    summary: 'Virtual keys: the tokens that agents use.',
    details:
      "A virtual key stands where the provider's key used to be. It opens nothing by itself: Hasp lends a credential for each request that it may make. Virtual keys are named by name or by id.",
    examples: [
      'hasp vkey issue --name my-agent --targets all',
      'hasp vkey list',
      'hasp vkey revoke my-agent',
    ],
  })
  addVkeyIssue(group, cli)
  addVkeyList(group, cli)
  addVkeyShow(group, cli)
  addVkeyUpdate(group, cli)
  addVkeyRevoke(group, cli)
}
