import type { Command } from 'commander'
import { addGroup, type Cli } from '#cli/command.ts'
import { addTargetAdd } from './add.ts'
import { addTargetDelete } from './delete.ts'
import { addTargetList } from './list.ts'
import { addTargetRetireCredential } from './retire-credential.ts'
import { addTargetRotate } from './rotate.ts'
import { addTargetShow } from './show.ts'
import { addTargetTest } from './test.ts'
import { addTargetUpdate } from './update.ts'

/** `hasp target …` */
export function addTarget(program: Command, cli: Cli): void {
  const group = addGroup(program, 'target', {
    summary: 'Provider credentials, sealed under a KEK.',
    details:
      'A target is a provider, where it is reached, and its credential, which goes in once and never comes out. Targets are named by name or by id.',
    examples: [
      'hasp target add --provider openai --name openai --kek trial',
      'hasp target test openai',
      'hasp target rotate openai',
    ],
  })
  addTargetAdd(group, cli)
  addTargetList(group, cli)
  addTargetShow(group, cli)
  addTargetTest(group, cli)
  addTargetUpdate(group, cli)
  addTargetRotate(group, cli)
  addTargetRetireCredential(group, cli)
  addTargetDelete(group, cli)
}
