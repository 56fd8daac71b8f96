import { closeIdle } from '#db/close-idle.ts'
import type { Database } from '#db/database.ts'
import { runQuery } from '#db/run-query.ts'
import { violatedConstraint } from '#db/violated-constraint.ts'
import type { BatchRow } from './batch-row.ts'

/**
 * One statement, one transaction, one wait for the disk for all rows. The inner join is the whole check of the
 * epoch: README.md says what it orders.
 *
 * Columns travel as text that JavaScript joins and PostgreSQL splits, which costs both a fraction of JSON or
 * of pg's arrays. It is safe for bodies because JSON never holds a bare line feed (RFC 8259 §7).
 */
const statement = `
    INSERT INTO ledger_entries
      (org_id, entry_id, kind, occurred_at, kek_id, target_id, virtual_key_id, receipt_id, body)
    SELECT r.org_id, r.entry_id, r.kind, r.occurred_at, r.kek_id, r.target_id, r.virtual_key_id, r.receipt_id, r.body
    FROM ROWS FROM (
      unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::timestamptz[], $6::uuid[], $7::uuid[], $8::uuid[], $9::uuid[]),
      string_to_table($10, E'\\n')
    ) AS r (org_id, epoch, entry_id, kind, occurred_at, kek_id, target_id, virtual_key_id, receipt_id, body)
    JOIN organisations o ON o.id = r.org_id AND o.epoch = coalesce(r.epoch, o.epoch)`

const insertion = { name: 'ledger-insert-batch', text: statement }
/** Leaves out rows that are there already, and looks each one up for that: a sixth more work for PostgreSQL. */
const repetition = { name: 'ledger-repeat-batch', text: `${statement} ON CONFLICT DO NOTHING` }

const presence =
  'SELECT entry_id FROM ledger_entries WHERE org_id = ANY ($1::uuid[]) AND entry_id = ANY ($2::uuid[])'

/**
 * Writes the rows whose epoch is still their organisation's, and answers the ids of the others: mostly none.
 * Fails when they are not all durable within `timeoutMs`; the connection is then given up, and the rows may
 * or may not be there. What made one connection hang (a firewall that forgot it, a server that vanished) mostly has the
 * idle ones too: they are given up with it, so that the next batch does not wait for one of them.
 */
export async function insertBatch(
  pool: Database['pool'],
  rows: readonly BatchRow[],
  timeoutMs: number,
): Promise<ReadonlySet<string>> {
  const timeout = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    timeout.reject(new Error(`No answer within ${timeoutMs} ms.`))
    closeIdle(pool)
  }, timeoutMs)
  try {
    return await insert(pool, rows, timeout.promise)
  } finally {
    clearTimeout(timer)
  }
}

async function insert(
  pool: Database['pool'],
  rows: readonly BatchRow[],
  timeout: Promise<never>,
): Promise<ReadonlySet<string>> {
  const connecting = pool.connect()
  const client = await Promise.race([connecting, timeout]).catch((error: unknown) => {
    // A connection that comes after all goes back.
    connecting.then((late) => late.release()).catch(() => {})
    throw error
  })
  try {
    const values = valuesOf(rows)
    const write = (how: typeof insertion) => Promise.race([runQuery(client, { ...how, values }), timeout])
    const { rowCount } = await write(insertion).catch((error: unknown) => {
      if (violatedConstraint(error) !== undefined) return write(repetition)
      throw error
    })
    if (rowCount === rows.length) {
      client.release()
      return none
    }
    const ids = rows.map((row) => row.entryId)
    const orgIds = rows.map((row) => row.orgId)
    const reading = client.query<{ entry_id: string }>(presence, [orgIds, ids])
    const present = await Promise.race([reading, timeout])
    client.release()
    return new Set(ids).difference(new Set(present.rows.map((row) => row.entry_id)))
  } catch (error) {
    client.release(true)
    throw error
  }
}

const none: ReadonlySet<string> = new Set()

/**
 * One pass over the rows. PostgreSQL's text form of an array, `{a,b,NULL}`, needs no quotes for ids, numbers, kinds
 * and dates.
 */
function valuesOf(rows: readonly BatchRow[]): string[] {
  let orgIds = ''
  let epochs = ''
  let entryIds = ''
  let kinds = ''
  let times = ''
  let kekIds = ''
  let targetIds = ''
  let virtualKeyIds = ''
  let receiptIds = ''
  let bodies = ''
  let separator = '{'
  for (const row of rows) {
    orgIds += separator + row.orgId
    epochs += separator + (row.epoch ?? 'NULL')
    entryIds += separator + row.entryId
    kinds += separator + row.kind
    times += separator + row.occurredAt
    kekIds += separator + row.kekId
    targetIds += separator + (row.targetId ?? 'NULL')
    virtualKeyIds += separator + (row.virtualKeyId ?? 'NULL')
    receiptIds += separator + (row.receiptId ?? 'NULL')
    bodies += bodies === '' ? row.body : `\n${row.body}`
    separator = ','
  }
  return [
    `${orgIds}}`,
    `${epochs}}`,
    `${entryIds}}`,
    `${kinds}}`,
    `${times}}`,
    `${kekIds}}`,
    `${targetIds}}`,
    `${virtualKeyIds}}`,
    `${receiptIds}}`,
    bodies,
  ]
}
