import type { Command } from 'commander'
import { addGroup, type Cli } from '#cli/command.ts'
import { addJobCancel } from './cancel.ts'
import { addJobList } from './list.ts'
import { addJobShow } from './show.ts'

/** `hasp job …` */
export function addJob(program: Command, cli: Cli): void {
  const group = addGroup(program, 'job', {
    summary: 'Lifecycle jobs: rewraps, moves and re-encryptions.',
    details:
      'A job goes through everything that a KEK wraps. The service carries it out: it goes on when you stop looking, and on another node when its own one dies. Started by hasp kek rewrap, move and re-encrypt.',
    examples: ['hasp job list', 'hasp job show ID --follow', 'hasp job cancel ID --yes'],
  })
  addJobList(group, cli)
  addJobShow(group, cli)
  addJobCancel(group, cli)
}
