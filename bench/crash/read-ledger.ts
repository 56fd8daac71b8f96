import { Client } from 'pg'
import type { ConnectionParameters } from '#db/connection.ts'
import type { IntentSeen, ReceiptSeen } from './compare.ts'

type Written = Readonly<{ receipts: readonly ReceiptSeen[]; intents: readonly IntentSeen[] }>

/** What the database holds of receipts and intents, read beside Hasp. */
export async function readLedger(connection: ConnectionParameters): Promise<Written> {
  const client = new Client(connection)
  await client.connect()
  try {
    const receipts = await client.query<{ model: string; kms_request_id: string; unwrap_id: string }>(
      `SELECT body::jsonb -> 'details' ->> 'model' AS model,
              body::jsonb -> 'details' -> 'unwrap' ->> 'kmsRequestId' AS kms_request_id,
              body::jsonb -> 'details' -> 'unwrap' ->> 'unwrapId' AS unwrap_id
       FROM ledger_entries WHERE kind = 'receipt.opened'`,
    )
    // A canary has no target: its record is the KEK itself.
    const intents = await client.query<{
      unwrap_id: string
      record_id: string
      at: Date
      is_refused: boolean
    }>(
      `SELECT i.entry_id AS unwrap_id, coalesce(i.target_id, i.kek_id) AS record_id, i.occurred_at AS at,
              EXISTS (SELECT FROM ledger_entries r
                      WHERE r.kind = 'unwrap.refused'
                        AND r.body::jsonb -> 'details' ->> 'unwrapId' = i.entry_id::text) AS is_refused
       FROM ledger_entries i WHERE i.kind = 'unwrap.intended'`,
    )
    return {
      receipts: receipts.rows.map(({ model, kms_request_id, unwrap_id }) => ({
        model,
        kmsRequestId: kms_request_id,
        unwrapId: unwrap_id,
      })),
      intents: intents.rows.map(({ unwrap_id, record_id, at, is_refused }) => ({
        unwrapId: unwrap_id,
        recordId: record_id,
        atMs: at.getTime(),
        isRefused: is_refused,
      })),
    }
  } finally {
    await client.end()
  }
}
