import { NeedleTable } from '../../bench/residue/needles.ts'
import type { Secret } from '../../bench/residue/secret-forms.ts'

/** Something that somebody outside of Hasp could read. */
export type Surface = Readonly<{ where: string; text: string }>

/**
 * Every place where 24 bytes or more of a secret stand on a surface: plain, base64 at any alignment, hex, UTF-16 or
 * percent-encoded. Never shows the secret.
 */
export function findLeaks(secrets: readonly Secret[], surfaces: readonly Surface[]): string[] {
  const table = new NeedleTable(secrets)
  const leaks = new Set<string>()
  for (const { where, text } of surfaces) {
    const bytes = Buffer.from(text)
    table.find(bytes, 0, bytes.length, ({ secret, encoding }) => {
      leaks.add(`${secret.kind} "${secret.name}" (${encoding}) in ${where}`)
    })
  }
  return [...leaks]
}
