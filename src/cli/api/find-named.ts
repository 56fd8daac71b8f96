import { CliError } from '#cli/cli-error.ts'
import type { ApiClient } from './client.ts'
import { readAll } from './pages.ts'
import type { AdminToken, Kek, Target, VirtualKey } from './replies.ts'

/** What a command line may name, by name or by id. */
type Named = { kek: Kek; target: Target; vkey: VirtualKey; token: AdminToken }
export type Noun = keyof Named

const collections: Record<Noun, { path: string; label: string; hasRead: boolean }> = {
  kek: { path: '/keks', label: 'KEK', hasRead: true },
  target: { path: '/api-targets', label: 'target', hasRead: true },
  vkey: { path: '/virtual-keys', label: 'virtual key', hasRead: true },
  token: { path: '/admin-tokens', label: 'admin token', hasRead: false },
}
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const namesShownMax = 8

/**
 * The one thing that `text` names: by its id, or by its name. What is retired leaves its name to others.
 * @throws {CliError} `name_unknown`, telling what there is; `name_ambiguous`, with the ids to choose from
 */
export async function findNamed<Which extends Noun>(
  api: Pick<ApiClient, 'get'>,
  noun: Which,
  text: string,
): Promise<Named[Which]> {
  const { path, label, hasRead } = collections[noun]
  if (hasRead && uuid.test(text)) return api.get<Named[Which]>(`${path}/${text}`)
  const all = await readAll<Named[Which]>(api, path)
  const named = all.filter((item) => item.id === text || item.name === text)
  const inUse = named.filter((item) => !isRetired(item))
  const found = inUse.length > 0 ? inUse : named
  const [only] = found
  if (only !== undefined && found.length === 1) return only
  if (only === undefined) throw unknown(label, noun, text, all)
  throw new CliError(
    'name_ambiguous',
    `There are ${found.length} ${label}s named "${text}": say which one by its id.`,
    found.map((item) => `${item.id}  ${describe(item)}`).join('\n'),
  )
}

/** As {@link findNamed}, but an id is taken as it is: what it names may be deleted by now. */
export async function idOf(api: Pick<ApiClient, 'get'>, noun: Noun, text: string): Promise<string> {
  return uuid.test(text) ? text : (await findNamed(api, noun, text)).id
}

/** Something to delete, revoke or retire. `label` names it to people. */
type ToEnd = Readonly<{ id: string; name: string | null; label: string }>

/**
 * As {@link idOf}, for what is to be ended: a record that was tampered with can be ended by its id, and not be read.
 * @throws {CliError} as {@link findNamed}
 */
export async function findToEnd(api: Pick<ApiClient, 'get'>, noun: Noun, text: string): Promise<ToEnd> {
  if (uuid.test(text)) return { id: text, name: null, label: text }
  const found = await findNamed(api, noun, text)
  const { id, name } = found
  return { id, name, label: 'hint' in found ? `"${name}" (${found.hint})` : `"${name}"` }
}

/** Names of everything of one kind, by id, for people to read. */
export async function namesById(api: Pick<ApiClient, 'get'>, noun: Noun): Promise<(id: string) => string> {
  const all = await readAll<Named[Noun]>(api, collections[noun].path)
  const names = new Map(all.map((item) => [item.id, item.name]))
  return (id) => names.get(id) ?? id
}

function unknown(label: string, noun: Noun, text: string, all: readonly { name: string }[]): CliError {
  const names = [...new Set(all.map((item) => item.name))]
  const shown = names.slice(0, namesShownMax).join(', ') + (names.length > namesShownMax ? ', …' : '')
  return new CliError(
    'name_unknown',
    `There is no ${label} named "${text}".`,
    names.length === 0
      ? `You have none yet: see 'hasp ${noun} --help'.`
      : `You have: ${shown} ('hasp ${noun} list').`,
  )
}

/** Retired KEKs, revoked virtual keys and tokens: named only where nothing in use has the name. */
function isRetired(item: Named[Noun]): boolean {
  if ('revokedAt' in item && item.revokedAt !== null) return true
  return 'state' in item && (item.state === 'deactivated' || item.state === 'destroyed')
}

function describe(item: Named[Noun]): string {
  if ('status' in item) return `${item.hint}, ${item.status}, issued ${item.createdAt}`
  return 'hint' in item ? `${item.hint}, issued ${item.createdAt}` : `made ${item.createdAt}`
}
