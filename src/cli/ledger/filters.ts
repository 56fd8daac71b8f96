import type { Command } from 'commander'
import { idOf } from '#cli/api/find-named.ts'
import type { ApiClient } from '#cli/api/client.ts'

export type Filters = Readonly<{ kek?: string; target?: string; vkey?: string }>

export function withFilters(command: Command): Command {
  return command
    .option('--kek <kek>', 'only of this KEK, by name or id')
    .option('--target <target>', 'only of this target, by name or id; of a deleted one by id')
    .option('--vkey <vkey>', 'only of this virtual key, by name or id')
}

/** The same as the API names them, by id. */
export async function filterQuery(api: ApiClient, filters: Filters) {
  const { kek, target, vkey } = filters
  const [kekId, targetId, virtualKeyId] = await Promise.all([
    kek === undefined ? undefined : idOf(api, 'kek', kek),
    target === undefined ? undefined : idOf(api, 'target', target),
    vkey === undefined ? undefined : idOf(api, 'vkey', vkey),
  ])
  return { kekId, targetId, virtualKeyId }
}
