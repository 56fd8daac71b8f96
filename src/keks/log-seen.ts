import type { Database } from '#db/database.ts'
import { newId } from '#db/ids.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import { appendEntry } from '#ledger/append.ts'
import { listVerifications, noteLogSeen } from './verification-repository.ts'

type Deps = Readonly<{ db: Database; ring: SecretRing; now: () => Date }>

/** What an event of the customer's own log turned out to be. */
export type SeenEvent = Readonly<{ kmsRequestId: string; what: string; verifiedAt: Date }>

const verificationsSearched = 20
const depthMax = 20

/**
 * Whether an event that the customer took out of their own log is one of the calls of a verification: then the log
 * records what it must. Hasp has no right to read the log, and asks for none. Nothing of the event is kept but the
 * request id, which is ours already.
 *
 * @param event parsed JSON, as the cloud writes it; a list of events will do.
 */
export async function recogniseLogEvent(
  deps: Deps,
  input: { orgId: string; kekId: string; actor: string; event: unknown },
): Promise<SeenEvent | null> {
  const of = { orgId: input.orgId, kekId: input.kekId }
  const page = { beforeId: undefined, limit: verificationsSearched }
  const rows = await listVerifications(deps.db.kysely, deps.ring, of, page)
  const known = new Map<string, SeenEvent>()
  for (const { record } of rows.toReversed()) {
    if (record === null) continue
    const { verifiedAt } = record
    const calls = [
      ...record.checks.map(({ name, ...call }) => ({ ...call, what: name })),
      ...record.probes.map(({ action, ...call }) => ({ ...call, what: action })),
    ]
    for (const { what, kmsRequestId, serviceRequestId } of calls) {
      if (!kmsRequestId) continue
      const event = { kmsRequestId, what, verifiedAt }
      known.set(kmsRequestId, event)
      if (serviceRequestId !== undefined) known.set(serviceRequestId, event)
    }
  }
  const seen = findText(input.event, known, 0)
  if (seen === undefined) return null
  const at = deps.now()
  await deps.db.transaction(async (trx) => {
    await noteLogSeen(trx, of, { at, kmsRequestId: seen.kmsRequestId })
    await appendEntry(trx, {
      entryId: newId(),
      ...of,
      kind: 'kek.log-seen',
      actor: input.actor,
      occurredAt: at,
      details: { kmsRequestId: seen.kmsRequestId, what: seen.what },
    })
  })
  return seen
}

/** The first text anywhere in `value` that is a request id of ours: each cloud keeps it under a name of its own. */
function findText(
  value: unknown,
  known: ReadonlyMap<string, SeenEvent>,
  depth: number,
): SeenEvent | undefined {
  if (typeof value === 'string') return known.get(value)
  if (typeof value !== 'object' || value === null || depth === depthMax) return undefined
  for (const member of Object.values(value)) {
    const found = findText(member, known, depth + 1)
    if (found !== undefined) return found
  }
  return undefined
}
