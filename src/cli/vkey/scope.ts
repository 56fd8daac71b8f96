import { findNamed } from '#cli/api/find-named.ts'
import type { ApiClient } from '#cli/api/client.ts'

/** `all`, or the ids of the targets that were named. */
export async function targetIdsOf(
  api: Pick<ApiClient, 'get'>,
  named: 'all' | readonly string[],
): Promise<'all' | string[]> {
  if (named === 'all') return 'all'
  const targets = await Promise.all(named.map((text) => findNamed(api, 'target', text)))
  return [...new Set(targets.map((target) => target.id))]
}
