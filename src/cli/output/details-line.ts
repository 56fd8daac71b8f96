/** So many members of a list are shown, and of others how many there are. */
const namedMax = 6

/**
 * Details of a ledger entry on one line, as name=value: what is nested by its path, members of a list by what they are
 * called. `--json` has all of it.
 */
export function detailsLine(details: Readonly<Record<string, unknown>>): string {
  return pairsOf(details).join(' ')
}

function pairsOf(value: object, path = ''): string[] {
  return Object.entries(value).flatMap(([name, inner]: [string, unknown]) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner))
      return `${path}${name}=${wordOf(inner)}`
    return pairsOf(inner, `${path}${name}.`)
  })
}

function wordOf(value: unknown): string {
  if (value === null || value === undefined) return '—'
  if (Array.isArray(value)) return listOf(value)
  if (typeof value === 'string') return value
  if (typeof value !== 'object') return JSON.stringify(value)
  const called = calledOf(value)
  if (called === undefined) return `(${pairsOf(value).join(' ')})`
  return 'isPassed' in value && value.isPassed === false ? `${called} failed` : called
}

function listOf(members: readonly unknown[]): string {
  if (members.length === 0) return 'none'
  if (members.length <= namedMax) return members.map(wordOf).join(', ')
  const isNamed = members.every(
    (one) => typeof one !== 'object' || one === null || calledOf(one) !== undefined,
  )
  if (!isNamed) return String(members.length)
  return `${members.slice(0, namedMax).map(wordOf).join(', ')} and ${members.length - namedMax} more`
}

/** What a finding or a check is known by. */
function calledOf(value: object): string | undefined {
  const { code, name }: { code?: unknown; name?: unknown } = value
  return [code, name].find((one) => typeof one === 'string')
}
