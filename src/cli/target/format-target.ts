import type { Target } from '#cli/api/replies.ts'
import { formatDetails, formatTable } from '#cli/output/table.ts'
import { moment } from '#cli/output/words.ts'

/** Everything about one target, for people. */
export function formatTarget(target: Target, kekName: (id: string) => string, width: number): string {
  const details = formatDetails([
    ['Name', target.name],
    ['Id', target.id],
    ['Provider', target.provider],
    ['Environment', target.environment],
    ['Base URL', target.baseUrl],
    ['Models', target.models.length === 0 ? 'those of its provider' : target.models.join(', ')],
    ['KEK', kekName(target.kekId)],
    ['Credential', target.keyPreview],
    ['Verification', verificationOf(target)],
    ['Last used', moment(target.lastUsedAt)],
    ['Stored', moment(target.createdAt)],
  ])
  if (target.credentials.length < 2) return details
  const versions = formatTable<Target['credentials'][number]>(
    [
      { header: 'VERSION', cell: (version) => String(version.generation) },
      { header: 'IN USE', cell: (version) => (version.isCurrent ? 'yes' : 'no') },
      { header: 'CREDENTIAL', cell: (version) => version.preview },
      { header: 'KEK', cell: (version) => kekName(version.kekId), widthMin: 12 },
      { header: 'STORED', cell: (version) => moment(version.createdAt) },
    ],
    target.credentials,
    width,
  )
  return `${details}\n\n${versions}`
}

function verificationOf(target: Target): string {
  const detail = target.verificationDetail === null ? '' : `: ${target.verificationDetail}`
  return target.lastVerifiedAt === null
    ? target.verification
    : `${target.verification} at ${moment(target.lastVerifiedAt)}${detail}`
}
