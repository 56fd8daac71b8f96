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
    ['Credential', credentialOf(target)],
    ...tamperedVersions(target),
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

/** The preview of the credential in use, unless its row was changed outside of Hasp. */
export function credentialOf({ credentials, keyPreview, tamperedGenerations }: Target): string {
  const isGenuine = tamperedGenerations.length === 0 || credentials.some((version) => version.isCurrent)
  return isGenuine ? keyPreview : 'TAMPERED WITH: rotate it'
}

function tamperedVersions({ tamperedGenerations }: Target): (readonly [string, string])[] {
  if (tamperedGenerations.length === 0) return []
  return [
    [
      'Tampered with',
      `version ${tamperedGenerations.join(', ')} of the credential: changed in the database, and not by Hasp; never used.\nSet a new credential (hasp target rotate), then retire these versions (hasp target retire-credential).`,
    ],
  ]
}

function verificationOf(target: Target): string {
  const detail = target.verificationDetail === null ? '' : `: ${target.verificationDetail}`
  return target.lastVerifiedAt === null
    ? target.verification
    : `${target.verification} at ${moment(target.lastVerifiedAt)}${detail}`
}
