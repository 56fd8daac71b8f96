import { sql, type Kysely } from 'kysely'

/**
 * Revocation drills: what the node that runs one and the nodes that are asked about it know in common. Decides nothing,
 * so it has no mac; what a drill measured is a ledger entry.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`
    CREATE TABLE kek_drills (
      id uuid PRIMARY KEY,
      org_id uuid NOT NULL,
      kek_id uuid NOT NULL,
      actor text NOT NULL,
      state text NOT NULL CHECK (state IN ('running', 'finished', 'ended-early', 'expired', 'interrupted')),
      unwrap_mode text NOT NULL CHECK (unwrap_mode IN ('strict', 'shared', 'cached')),
      canary_interval_ms integer NOT NULL CHECK (canary_interval_ms BETWEEN 50 AND 60000),
      hasp_ms integer NOT NULL CHECK (hasp_ms >= 0),
      bound_ms integer NOT NULL CHECK (bound_ms >= 0),
      started_at timestamptz NOT NULL,
      ends_by timestamptz NOT NULL,
      seen_at timestamptz NOT NULL,
      withdrawn_at timestamptz,
      restoring_at timestamptz,
      restored_at timestamptz,
      end_asked_at timestamptz,
      ended_at timestamptz,
      measure jsonb NOT NULL,
      FOREIGN KEY (org_id, kek_id) REFERENCES keks (org_id, id)
    );
    CREATE UNIQUE INDEX kek_drills_one_at_a_time ON kek_drills (kek_id) WHERE state = 'running';
    CREATE INDEX kek_drills_of_kek ON kek_drills (org_id, kek_id, id);
  `.execute(db)
}
