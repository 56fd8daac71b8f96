/** A moment for people: UTC to the second. */
export function moment(iso: string | null | undefined): string {
  return iso === null || iso === undefined ? '—' : `${iso.slice(0, 10)} ${iso.slice(11, 19)}Z`
}

/** Until when something that was issued is good, in the middle of a sentence. */
export function untilWhen(expiresAt: string | null): string {
  return expiresAt === null ? 'which does not expire' : `which expires ${moment(expiresAt)}`
}

/** A span of time in its largest whole unit. */
export function span(ms: number): string {
  if (ms > 0 && ms % 60_000 === 0) return `${ms / 60_000} min`
  return ms > 0 && ms % 1000 === 0 ? `${ms / 1000} s` : `${ms} ms`
}

/** What a scope allows; `name` turns ids into names. */
export function scope(
  given: 'all' | readonly string[],
  name: (entry: string) => string = (entry) => entry,
): string {
  return given === 'all' ? 'all' : given.map(name).join(', ')
}

/** The line below a list that goes on. */
export function moreHint(nextCursor: string | null): string {
  return nextCursor === null ? '' : `\n\nThere is more: add --cursor ${nextCursor}`
}

/** What was revoked, as people know it. One that was tampered with has no hint, and its name is not to be trusted. */
export function endedName({ id, name, hint }: { id: string; name: string; hint: string }): string {
  return hint === '' ? id : `"${name}" (${hint})`
}

/** A name as a shell takes it. */
export function shellWord(text: string): string {
  return /^[\w.-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
