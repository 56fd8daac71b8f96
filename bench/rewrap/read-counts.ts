import type { Client } from 'pg'

/** What the database says afterwards. */
export type Counts = Readonly<{
  underOld: number
  underNew: number
  /** Ledger entries that a record was moved, and of how many different records. */
  rewraps: number
  rewrappedRecords: number
  /** Records that the ledger says were moved more than once. */
  rewrappedTwice: number
  /** Unwraps that the job announced: those beyond the rewraps were lost with a process, or failed. */
  unwrapsIntended: number
  epochs: number
}>

export async function readCounts(
  client: Client,
  { fromKekId, toKekId }: { fromKekId: string; toKekId: string },
): Promise<Counts> {
  const one = async (text: string, values: unknown[] = []): Promise<number> => {
    const { rows } = await client.query<{ count: string }>(text, values)
    return Number(rows[0]?.count)
  }
  const under = 'SELECT count(*) FROM credentials WHERE kek_id = $1'
  const ofRewraps = `FROM ledger_entries WHERE kind = 'target.rewrapped'`
  return {
    underOld: await one(under, [fromKekId]),
    underNew: await one(under, [toKekId]),
    rewraps: await one(`SELECT count(*) ${ofRewraps}`),
    rewrappedRecords: await one(`SELECT count(DISTINCT target_id) ${ofRewraps}`),
    rewrappedTwice: await one(
      `SELECT count(*) FROM (SELECT 1 ${ofRewraps} GROUP BY target_id HAVING count(*) > 1) AS twice`,
    ),
    unwrapsIntended: await one(
      `SELECT count(*) FROM ledger_entries
       WHERE kind = 'unwrap.intended' AND body::jsonb ->> 'actor' LIKE 'lifecycle-job:%'`,
    ),
    epochs: await one('SELECT epoch AS count FROM organisations'),
  }
}
