import type { Command } from 'commander'
import { addGroup, type Cli } from '#cli/command.ts'
import { addEmulateAws } from './aws.ts'
import { addEmulateAzure } from './azure.ts'
import { addEmulateGoogle } from './google.ts'
import { addEmulateProvider } from './provider.ts'

/** `hasp emulate …` */
export function addEmulate(program: Command, cli: Cli): void {
  const group = addGroup(program, 'emulate', {
    summary: 'Run a cloud’s KMS or a provider on this machine, to try Hasp out.',
    details:
      'Each runs until Ctrl-C, keeps everything in memory, and prints what to paste. See docs/emulators.md.',
    examples: ['hasp emulate aws', 'hasp emulate google', 'hasp emulate azure', 'hasp emulate openai'],
  })
  addEmulateAws(group, cli)
  addEmulateGoogle(group, cli)
  addEmulateAzure(group, cli)
  addEmulateProvider(group, cli, 'openai')
  addEmulateProvider(group, cli, 'anthropic')
}
