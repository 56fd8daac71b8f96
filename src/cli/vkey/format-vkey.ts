import type { VirtualKey } from '#cli/api/replies.ts'
import { formatDetails } from '#cli/output/table.ts'
import { moment, scope } from '#cli/output/words.ts'

/** Everything about one virtual key, for people. */
export function formatVkey(virtualKey: VirtualKey, targetName: (id: string) => string): string {
  return formatDetails([
    ['Name', virtualKey.name],
    ['Id', virtualKey.id],
    ['Token', virtualKey.hint],
    ['Status', virtualKey.status],
    ['Targets', scope(virtualKey.targetIds, targetName)],
    ['Models', scope(virtualKey.models)],
    ['Expires', virtualKey.expiresAt === null ? 'never' : moment(virtualKey.expiresAt)],
    ['Issued', moment(virtualKey.createdAt)],
    ...(virtualKey.revokedAt === null ? [] : [['Revoked', moment(virtualKey.revokedAt)] as const]),
  ])
}
