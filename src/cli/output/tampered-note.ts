import type { Noun } from '#cli/api/find-named.ts'

const remedies: Record<Noun, { one: string; many: string; command: string; remedy: string }> = {
  kek: {
    one: 'KEK',
    many: 'KEKs',
    command: 'kek retire',
    remedy: 'Delete its targets, retire it, register it anew and store the targets again',
  },
  target: {
    one: 'target',
    many: 'targets',
    command: 'target delete',
    remedy: 'Delete it and store it again',
  },
  vkey: {
    one: 'virtual key',
    many: 'virtual keys',
    command: 'vkey revoke',
    remedy: 'Revoke it and issue another',
  },
  token: {
    one: 'admin token',
    many: 'admin tokens',
    command: 'token revoke',
    remedy: 'Revoke it and issue another',
  },
}

/** What people are told below a list of records that were tampered with; empty where there are none. */
export function tamperedNote(
  noun: Noun,
  tampered: readonly { id: string }[] | undefined,
  hasp: string,
): string {
  if (tampered === undefined || tampered.length === 0) return ''
  const { one, many, command, remedy } = remedies[noun]
  const what = tampered.length === 1 ? `1 ${one} was` : `${tampered.length} ${many} were`
  const commands = tampered.map(({ id }) => `  ${hasp} ${command} ${id}`)
  return `\n\nTAMPERED WITH: ${what} changed in the database, and not by Hasp: never used, and nothing of it is shown. Find out who can write to your database. ${remedy}:\n\n${commands.join('\n')}`
}
