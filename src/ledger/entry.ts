import { canonicalJson, type JsonObject } from '#integrity/canonical-json.ts'

/** Everything that the ledger knows how to say. */
export const entryKinds = [
  'organisation.created',
  'admin-token.created',
  'admin-token.revoked',
  'kek.registered',
  'kek.verified',
  'kek.verification-failed',
  'kek.activated',
  'kek.suspended',
  'kek.resumed',
  'kek.updated',
  'kek.retired',
  'kek.link-issued',
  'kek.link-revoked',
  'kek.log-seen',
  'kek.drill-started',
  'kek.drilled',
  'target.stored',
  'target.updated',
  'target.credential-rotated',
  'target.credential-retired',
  'target.tested',
  'target.credential-rejected',
  'target.deleted',
  'target.rewrapped',
  'target.re-encrypted',
  'target.rewrap-failed',
  'lifecycle-job.started',
  'lifecycle-job.blocked',
  'lifecycle-job.ended',
  'virtual-key.issued',
  'virtual-key.updated',
  'virtual-key.revoked',
  'unwrap.intended',
  'unwrap.refused',
  'unwrap.completed',
  'receipt.opened',
  'receipt.settled',
] as const
export type EntryKind = (typeof entryKinds)[number]

/** One thing that happened in an organisation. Holds no secret: entries are handed to auditors. */
export type LedgerEntry = Readonly<{
  entryId: string
  orgId: string
  kind: EntryKind
  occurredAt: Date
  /** Who did it: `admin-token:<id>`, `virtual-key:<id>`, `probe`, … */
  actor: string
  kekId?: string
  targetId?: string
  virtualKeyId?: string
  /** On `receipt.settled`: which receipt it ends. */
  receiptId?: string
  details: JsonObject
}>

/** Of the body's shape; a change of it takes the next number. */
export const bodyFormat = 1

/** The entry as the one text that is stored and later hashed: canonical JSON. */
export function bodyOf(entry: LedgerEntry): string {
  return canonicalJson({ ...entry, format: bodyFormat, occurredAt: entry.occurredAt.toISOString() })
}
