import type { Command } from 'commander'
import { addGroup, type Cli } from '#cli/command.ts'
import { addKekList } from './list.ts'
import { addKekRegister } from './register.ts'
import { addKekRetire } from './retire.ts'
import { addKekShow } from './show.ts'
import { addKekUpdate } from './update.ts'
import { addKekVerify } from './verify.ts'

/** `hasp kek …` */
export function addKek(program: Command, cli: Cli): void {
  const group = addGroup(
    program,
    'kek',
    'Key-encryption keys in your own KMS: the padlocks.',
    'A KEK stays in your KMS. Hasp holds a reference to it and what you grant, and asks your KMS each time it opens a credential. KEKs are named by name or by id.',
  )
  addKekRegister(group, cli)
  addKekVerify(group, cli)
  addKekList(group, cli)
  addKekShow(group, cli)
  addKekUpdate(group, cli)
  addKekRetire(group, cli)
}
