import type { Command } from 'commander'
import { addGroup, type Cli } from '#cli/command.ts'
import { addKekDue } from './due.ts'
import { addKekGrant } from './grant.ts'
import { addKekLink } from './link.ts'
import { addKekList } from './list.ts'
import { addKekMove } from './move.ts'
import { addKekReencrypt } from './reencrypt.ts'
import { addKekRegister } from './register.ts'
import { addKekRetire } from './retire.ts'
import { addKekRewrap } from './rewrap.ts'
import { addKekShow } from './show.ts'
import { addKekUpdate } from './update.ts'
import { addKekVerify } from './verify.ts'

/** `hasp kek …` */
export function addKek(program: Command, cli: Cli): void {
  const group = addGroup(program, 'kek', {
    summary: 'Key-encryption keys in your own KMS: the padlocks.',
    details:
      'A KEK stays in your KMS. Hasp holds a reference to it and what you grant, and asks your KMS each time it opens a credential. KEKs are named by name or by id.',
    examples: [
      'hasp kek register --provider local --name trial --verify',
      'hasp kek list',
      'hasp kek verify trial',
    ],
  })
  addKekRegister(group, cli)
  addKekGrant(group, cli)
  addKekLink(group, cli)
  addKekVerify(group, cli)
  addKekList(group, cli)
  addKekShow(group, cli)
  addKekUpdate(group, cli)
  addKekRewrap(group, cli)
  addKekMove(group, cli)
  addKekReencrypt(group, cli)
  addKekDue(group, cli)
  addKekRetire(group, cli)
}
