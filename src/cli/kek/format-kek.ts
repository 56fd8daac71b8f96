import type { Kek, Verification } from '#cli/api/replies.ts'
import { placeOf } from '#keks/kek.ts'
import { formatDetails, formatTable } from '#cli/output/table.ts'
import { moment, span } from '#cli/output/words.ts'
import { verdictLine } from './format-findings.ts'

/** Everything about one KEK, for people. */
export function formatKek(kek: Kek): string {
  const { access, probe } = kek
  const mode =
    kek.unwrapMode === 'cached'
      ? `cached, each unwrap for at most ${span(kek.cacheCeilingMs)} and ${kek.cacheUsesMax} requests`
      : kek.unwrapMode
  return formatDetails([
    ['Name', kek.name],
    ['Id', kek.id],
    [
      'State',
      `${kek.state}${kek.stateReason === null ? '' : ` (${kek.stateReason})`} since ${moment(kek.stateChangedAt)}`,
    ],
    [
      'Provider',
      kek.provider === 'local'
        ? 'local: a file on the machine that runs Hasp, NOT customer-held'
        : kek.provider,
    ],
    ['Key', kek.kekRef],
    ...(access.tenantId === undefined ? [] : [['Tenant', access.tenantId] as const]),
    ...(access.roleArn == null ? [] : [['Role', access.roleArn] as const]),
    ...(access.externalId === undefined ? [] : [['ExternalId', access.externalId] as const]),
    ...(access.identityProvider == null
      ? []
      : [
          ['Identity provider', access.identityProvider] as const,
          ['Audience', access.audience ?? ''] as const,
        ]),
    ['Kept in', keptIn(kek)],
    ['Unwrap mode', mode],
    ['Streams', streamsOf(kek)],
    ['Revocation', boundOf(kek)],
    ...leversOf(kek),
    ['Cryptoperiod', cryptoperiodOf(kek)],
    ['Probe', kek.probeIntervalMs === 0 ? 'off' : `every ${span(kek.probeIntervalMs)}`],
    ...(probe === undefined
      ? []
      : [
          [
            'Last probe',
            `${moment(probe.lastProbeAt)}${probe.outcome === null ? '' : `  ${probe.outcome}`}`,
          ] as const,
        ]),
    ...(kek.verification == null || kek.provider === 'local'
      ? []
      : [['Grant', `${verdictLine(kek.verification)}, ${moment(kek.verification.verifiedAt)}`] as const]),
    ...(kek.logSeenAt == null
      ? []
      : [['Your log', `seen to record Hasp’s calls, ${moment(kek.logSeenAt)}`] as const]),
    ['Registered', moment(kek.createdAt)],
  ])
}

/** What its owner is to grant: each document under its title, ready to paste; and how their own log shows its use. */
export function formatGrant({ documents, logCheck, summary }: NonNullable<Kek['grant']>): string {
  return [
    summary,
    ...documents.map(({ title, body }) => titled(title, body)),
    ...(logCheck === undefined ? [] : [titled('In your own log', logCheck.command), logCheck.note]),
  ].join('\n\n')
}

function titled(title: string, body: string): string {
  return `${title}\n${'─'.repeat(title.length)}\n${body}`
}

/** What was tried on the KMS, and what came of it. */
export function formatChecks(checks: Verification['checks'], width: number): string {
  return formatTable(
    [
      { header: 'CHECK', cell: (check) => `${check.isPassed ? '✓' : '✗'} ${check.name}` },
      { header: 'KMS REQUEST', cell: (check) => check.kmsRequestId ?? '—' },
      { header: 'FINDING', cell: (check) => check.finding, isProse: true },
    ],
    checks,
    width,
  )
}

/** The published arithmetic (docs/revocation.md). */
function boundOf({ revocationBound: { cloud, haspMs, newRequestsMs } }: Kek): string {
  return `new requests are refused within ${span(newRequestsMs)}: the cloud's ${span(cloud.boundMs)} (${cloud.usually}) + ${span(haspMs)} here`
}

/** What the cloud does not rule out, and what acts soonest: whoever reads a bound alone would be misled. */
function leversOf({ provider, revocationBound: { cloud } }: Kek): (readonly [string, string])[] {
  if (provider === 'local') return []
  return [
    ...(cloud.exceptionally === null ? [] : [['Exceptionally', cloud.exceptionally] as const]),
    ['Soonest by', cloud.quickest],
  ]
}

function streamsOf({ streamRule, revocationBound: { streams } }: Kek): string {
  if (streamRule === 'drain') return 'end by themselves on revocation'
  return streams.endMs === null
    ? 'cut on revocation, once a request meets it (the probe is off)'
    : `cut on revocation, ${span(streams.endMs)} after your KMS refuses at the latest`
}

/** Where the key is, and whether that may be otherwise. */
function keptIn({ protection, protectionRule }: Kek): string {
  const place = protection === null ? 'not known before it is verified' : placeOf(protection)
  return protectionRule === 'hsm' ? `${place} (an HSM is demanded)` : place
}

function cryptoperiodOf({ wrapAgeDaysMax, dekAgeDaysMax, credentialAgeDaysMax, wrapsMax }: Kek): string {
  const limits = [
    ...(wrapAgeDaysMax === null ? [] : [`each wrap for ${wrapAgeDaysMax} days`]),
    ...(dekAgeDaysMax === null ? [] : [`each DEK for ${dekAgeDaysMax} days`]),
    ...(credentialAgeDaysMax === null ? [] : [`each credential for ${credentialAgeDaysMax} days`]),
    ...(wrapsMax === null ? [] : [`${wrapsMax} wraps`]),
  ]
  return limits.length === 0 ? 'no limit' : limits.join(', ')
}
