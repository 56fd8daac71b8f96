import { sql, type Kysely } from 'kysely'

/**
 * Verifications of KEKs with their evidence, when the next is due, and links for those who grant without an account.
 * A verification decides nothing by itself, but auditors read it: its row has a mac.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`
    CREATE TABLE kek_verifications (
      id uuid PRIMARY KEY,
      org_id uuid NOT NULL,
      kek_id uuid NOT NULL,
      verified_at timestamptz NOT NULL,
      actor text NOT NULL,
      verdict text NOT NULL CHECK (verdict IN ('least', 'surplus', 'dangerous', 'failed', 'unknown')),
      evidence jsonb NOT NULL,
      mac bytea NOT NULL,
      FOREIGN KEY (org_id, kek_id) REFERENCES keks (org_id, id)
    );
    CREATE INDEX kek_verifications_of_kek ON kek_verifications (org_id, kek_id, id);

    ALTER TABLE kek_probes
      ADD COLUMN next_verification_at timestamptz,
      ADD COLUMN log_seen_at timestamptz,
      ADD COLUMN log_seen_request_id text;
    CREATE INDEX kek_verifications_due ON kek_probes (next_verification_at) WHERE next_verification_at IS NOT NULL;

    CREATE TABLE onboarding_links (
      id uuid PRIMARY KEY,
      org_id uuid NOT NULL,
      kek_id uuid NOT NULL,
      digest bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
      hint text NOT NULL,
      created_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL,
      revoked_at timestamptz,
      mac bytea NOT NULL,
      UNIQUE (org_id, id),
      FOREIGN KEY (org_id, kek_id) REFERENCES keks (org_id, id)
    );
    CREATE INDEX onboarding_links_of_kek ON onboarding_links (org_id, kek_id, id);
  `.execute(db)
}
