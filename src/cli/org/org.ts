import type { Command } from 'commander'
import { addGroup, type Cli } from '#cli/command.ts'
import { addOrgCreate } from './create.ts'
import { addOrgToken } from './token.ts'

/** `hasp org …` */
export function addOrg(program: Command, cli: Cli): void {
  const group = addGroup(program, 'org', {
    summary: 'Make organisations and their tokens (for the operator: works on the database).',
    details:
      'Organisations share a Hasp and nothing else. These commands need what the service has: DATABASE_URL and HASP_ROOT_SECRET, or HASP_DATA_DIR.',
    examples: ['hasp org create acme', 'hasp org token acme'],
  })
  addOrgCreate(group, cli)
  addOrgToken(group, cli)
}
