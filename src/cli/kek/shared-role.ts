import { readAll } from '#cli/api/pages.ts'
import type { Kek } from '#cli/api/replies.ts'
import type { Session } from '#cli/api/session.ts'

/**
 * Warns people where other KEKs in use go through the same role: each KEK has an ExternalId of its own, so a trust
 * policy put in place for one alone shuts the others out.
 */
export async function warnOfSharedRole({ api, out }: Session, kek: Kek): Promise<void> {
  const { roleArn } = kek.access
  if (out.isJson || roleArn == null) return
  const others = (await readAll<Kek>(api, '/keks')).filter(
    (other) => other.id !== kek.id && other.access.roleArn === roleArn && other.state !== 'deactivated',
  )
  if (others.length === 0) return
  const names = others.map(({ name }) => `"${name}"`).join(', ')
  out.note(
    `\nWarning: the role of "${kek.name}" serves ${names} too. Its trust policy must have the ExternalId of each of them, or those that are left out stop working. A role for each KEK is simpler.`,
  )
}
