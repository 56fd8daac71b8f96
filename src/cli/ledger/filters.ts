import type { Command } from 'commander'
import type { ApiClient } from '#cli/api/client.ts'
import { idOf } from '#cli/api/find-named.ts'
import { readListing } from '#cli/api/pages.ts'
import type { Entry } from '#cli/api/replies.ts'
import { CliError } from '#cli/cli-error.ts'
import { moment } from '#cli/output/words.ts'

/** How many deletions are searched for a name. */
const deletedMax = 1_000

export type Filters = Readonly<{ kek?: string; target?: string; vkey?: string }>

export function withFilters(command: Command): Command {
  return command
    .option('--kek <kek>', 'only of this KEK, by name or id')
    .option('--target <target>', 'only of this target, by name or id; of a deleted one, too')
    .option('--vkey <vkey>', 'only of this virtual key, by name or id')
}

/** The same as the API names them, by id. */
export async function filterQuery(api: ApiClient, filters: Filters) {
  const { kek, target, vkey } = filters
  const [kekId, targetId, virtualKeyId] = await Promise.all([
    kek === undefined ? undefined : idOf(api, 'kek', kek),
    target === undefined ? undefined : targetIdOf(api, target),
    vkey === undefined ? undefined : idOf(api, 'vkey', vkey),
  ])
  return { kekId, targetId, virtualKeyId }
}

/** A target that is there, or else a deleted one, which the ledger remembers by name. */
async function targetIdOf(api: ApiClient, text: string): Promise<string> {
  try {
    return await idOf(api, 'target', text)
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== 'name_unknown') throw error
    const deleted = await deletedTargetsNamed(api, text)
    const [only] = deleted
    if (only?.targetId !== undefined && deleted.length === 1) return only.targetId
    if (only === undefined) throw error
    throw new CliError(
      'name_ambiguous',
      `${deleted.length} deleted targets were named "${text}": say which one by its id.`,
      deleted.map((entry) => `${entry.targetId}  deleted ${moment(entry.occurredAt)}`).join('\n'),
    )
  }
}

async function deletedTargetsNamed(api: ApiClient, name: string): Promise<Entry[]> {
  const query = { kind: 'target.deleted' }
  const { items } = await readListing<Entry>(api, '/ledger', { limit: deletedMax, query })
  return items.filter((entry) => entry.details['name'] === name)
}
