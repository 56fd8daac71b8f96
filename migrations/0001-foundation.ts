import { sql, type Kysely } from 'kysely'

/**
 * The first schema. Rules that every later migration keeps:
 * - every row of an organisation carries `org_id`, and foreign keys inside an organisation include it, so that
 *   no row can point at another organisation's;
 * - whatever decides to whom a credential is lent has a `mac`: HMAC-SHA-256 by the service's integrity ring over
 *   every other column (src/integrity/row-mac.ts), so that a row edited in the database is refused;
 * - counters and sightings live apart (`target_health`, `kek_probes`, `lifecycle_job_progress`), so that they never touch
 *   a `mac`;
 * - `organisations.epoch` rises in the transaction of every change to what may be lent: a receipt is committed
 *   only under the epoch that its request was decided under (src/ledger/commit-receipts.ts).
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`
    CREATE TABLE organisations (
      id uuid PRIMARY KEY,
      name text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 100),
      epoch bigint NOT NULL DEFAULT 1,
      created_at timestamptz NOT NULL DEFAULT now()
    );

    CREATE TABLE admin_tokens (
      id uuid PRIMARY KEY,
      org_id uuid NOT NULL REFERENCES organisations (id),
      name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
      digest bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
      hint text NOT NULL,
      created_at timestamptz NOT NULL,
      expires_at timestamptz,
      revoked_at timestamptz,
      mac bytea NOT NULL,
      UNIQUE (org_id, id)
    );

    CREATE TABLE keks (
      id uuid PRIMARY KEY,
      org_id uuid NOT NULL REFERENCES organisations (id),
      name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
      provider text NOT NULL,
      kek_ref text NOT NULL,
      access jsonb NOT NULL,
      unwrap_mode text NOT NULL CHECK (unwrap_mode IN ('strict', 'shared', 'cached')),
      cache_ceiling_ms integer NOT NULL CHECK (cache_ceiling_ms BETWEEN 0 AND 300000),
      cache_uses_max integer NOT NULL CHECK (cache_uses_max BETWEEN 1 AND 1000000),
      stream_rule text NOT NULL CHECK (stream_rule IN ('cut', 'drain')),
      probe_interval_ms integer NOT NULL CHECK (probe_interval_ms BETWEEN 0 AND 86400000),
      protection_rule text NOT NULL CHECK (protection_rule IN ('any', 'hsm')),
      protection text CHECK (protection IN ('software', 'hsm', 'external', 'file')),
      wrap_age_days_max integer CHECK (wrap_age_days_max BETWEEN 1 AND 36500),
      dek_age_days_max integer CHECK (dek_age_days_max BETWEEN 1 AND 36500),
      credential_age_days_max integer CHECK (credential_age_days_max BETWEEN 1 AND 36500),
      wraps_max integer CHECK (wraps_max >= 1),
      state text NOT NULL CHECK (state IN ('pre-activation', 'active', 'suspended', 'deactivated', 'compromised', 'destroyed')),
      state_reason text,
      state_changed_at timestamptz NOT NULL,
      canary bytea,
      created_at timestamptz NOT NULL,
      mac bytea NOT NULL,
      UNIQUE (org_id, id)
    );
    -- A KEK that was retired keeps its name in the ledger, and leaves it free for another.
    CREATE UNIQUE INDEX keks_named_once ON keks (org_id, name) WHERE state NOT IN ('deactivated', 'destroyed');
    CREATE UNIQUE INDEX keks_claimed_once ON keks (provider, kek_ref) WHERE state IN ('active', 'suspended');

    CREATE TABLE kek_probes (
      kek_id uuid PRIMARY KEY,
      org_id uuid NOT NULL,
      next_probe_at timestamptz NOT NULL,
      last_probe_at timestamptz,
      last_outcome text,
      last_kms_request_id text,
      FOREIGN KEY (org_id, kek_id) REFERENCES keks (org_id, id)
    );
    CREATE INDEX kek_probes_due ON kek_probes (next_probe_at);

    CREATE TABLE targets (
      id uuid PRIMARY KEY,
      org_id uuid NOT NULL REFERENCES organisations (id),
      name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
      provider text NOT NULL,
      environment text NOT NULL CHECK (length(environment) BETWEEN 1 AND 100),
      base_url text NOT NULL,
      models text[] NOT NULL,
      kek_id uuid NOT NULL,
      generation bigint NOT NULL CHECK (generation >= 1),
      created_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL,
      mac bytea NOT NULL,
      UNIQUE (org_id, id),
      UNIQUE (org_id, name),
      FOREIGN KEY (org_id, kek_id) REFERENCES keks (org_id, id)
    );

    CREATE TABLE credentials (
      target_id uuid NOT NULL,
      generation bigint NOT NULL CHECK (generation >= 1),
      org_id uuid NOT NULL,
      kek_id uuid NOT NULL,
      preview text NOT NULL,
      sealed bytea NOT NULL,
      created_at timestamptz NOT NULL,
      wrapped_at timestamptz NOT NULL,
      dek_created_at timestamptz NOT NULL,
      mac bytea NOT NULL,
      PRIMARY KEY (target_id, generation),
      FOREIGN KEY (org_id, target_id) REFERENCES targets (org_id, id),
      FOREIGN KEY (org_id, kek_id) REFERENCES keks (org_id, id)
    );
    CREATE INDEX credentials_by_kek ON credentials (kek_id, target_id);

    CREATE TABLE target_health (
      target_id uuid PRIMARY KEY,
      org_id uuid NOT NULL,
      last_used_at timestamptz,
      last_verified_at timestamptz,
      verification text CHECK (verification IN ('accepted', 'rejected', 'unchecked')),
      detail text,
      FOREIGN KEY (org_id, target_id) REFERENCES targets (org_id, id) ON DELETE CASCADE
    );

    CREATE TABLE virtual_keys (
      id uuid PRIMARY KEY,
      org_id uuid NOT NULL REFERENCES organisations (id),
      name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
      digest bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
      hint text NOT NULL,
      target_ids uuid[] NOT NULL,
      models text[] NOT NULL,
      created_at timestamptz NOT NULL,
      expires_at timestamptz,
      revoked_at timestamptz,
      mac bytea NOT NULL,
      UNIQUE (org_id, id)
    );

    -- One row for each run of a lifecycle job (src/jobs). The queue's own tables (schema hasp_jobs) only say that
    -- it is due: what is done, and to which KEK, stands here under a mac. Counters live apart.
    CREATE TABLE lifecycle_jobs (
      id uuid PRIMARY KEY,
      org_id uuid NOT NULL REFERENCES organisations (id),
      kind text NOT NULL CHECK (kind IN ('rewrap', 'move', 're-encrypt')),
      from_kek_id uuid NOT NULL,
      to_kek_id uuid NOT NULL,
      target_id uuid,
      records_per_second_max integer NOT NULL CHECK (records_per_second_max BETWEEN 1 AND 1000),
      state text NOT NULL CHECK (state IN ('pending', 'running', 'blocked', 'finished', 'failed', 'cancelled')),
      state_reason text,
      actor text NOT NULL,
      created_at timestamptz NOT NULL,
      started_at timestamptz,
      ended_at timestamptz,
      mac bytea NOT NULL,
      UNIQUE (org_id, id),
      FOREIGN KEY (org_id, from_kek_id) REFERENCES keks (org_id, id),
      FOREIGN KEY (org_id, to_kek_id) REFERENCES keks (org_id, id)
    );
    CREATE UNIQUE INDEX lifecycle_jobs_one_from_each_kek ON lifecycle_jobs (from_kek_id)
      WHERE state IN ('pending', 'running', 'blocked');

    -- run_id is the one run that may still commit records: whoever takes a job over, or cancels it, replaces it.
    CREATE TABLE lifecycle_job_progress (
      job_id uuid PRIMARY KEY,
      org_id uuid NOT NULL,
      run_id uuid,
      run_by text,
      records_total bigint NOT NULL DEFAULT 0,
      records_done bigint NOT NULL DEFAULT 0,
      records_failed bigint NOT NULL DEFAULT 0,
      last_error text,
      seen_at timestamptz NOT NULL,
      retry_at timestamptz,
      FOREIGN KEY (org_id, job_id) REFERENCES lifecycle_jobs (org_id, id)
    );

    CREATE TABLE idempotency_records (
      org_id uuid NOT NULL REFERENCES organisations (id),
      idempotency_key text NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 255),
      request_digest bytea NOT NULL,
      attempt uuid NOT NULL,
      status integer NOT NULL,
      body text NOT NULL,
      created_at timestamptz NOT NULL,
      mac bytea NOT NULL,
      PRIMARY KEY (org_id, idempotency_key)
    );
    CREATE INDEX idempotency_records_age ON idempotency_records (created_at);

    -- No foreign key to organisations: its check would lock the organisation's row for every batch of receipts, and
    -- two batches at once make a multixact, at the rate of the traffic. Whoever appends joins the row instead
    -- (src/ledger). xid and position order the entries (src/ledger/README.md). wraps is how many DEKs an entry tells that
    -- the KEK has wrapped (a verification wraps a canary and a DEK of its own): read from the body once, when the entry
    -- is written, and not each time that all of a KEK are counted.
    CREATE TABLE ledger_entries (
      position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
      org_id uuid NOT NULL,
      entry_id uuid NOT NULL,
      kind text NOT NULL,
      occurred_at timestamptz NOT NULL,
      kek_id uuid,
      target_id uuid,
      virtual_key_id uuid,
      receipt_id uuid,
      body text NOT NULL,
      wraps integer GENERATED ALWAYS AS (CASE
        WHEN kind IN ('target.stored', 'target.credential-rotated') THEN 1
        WHEN kind IN ('target.rewrapped', 'target.re-encrypted')
          THEN jsonb_array_length(body::jsonb -> 'details' -> 'versions')
        WHEN kind = 'kek.verified' THEN 2
      END) STORED,
      UNIQUE (org_id, entry_id)
    );
    CREATE INDEX ledger_entries_of_lifecycle ON ledger_entries (org_id, entry_id)
      WHERE kind NOT IN ('unwrap.intended', 'unwrap.completed', 'receipt.opened', 'receipt.settled');
    CREATE INDEX ledger_entries_of_wraps ON ledger_entries (kek_id, org_id) INCLUDE (wraps) WHERE wraps IS NOT NULL;
    CREATE INDEX ledger_entries_by_virtual_key ON ledger_entries (virtual_key_id, entry_id) WHERE virtual_key_id IS NOT NULL;
    CREATE UNIQUE INDEX ledger_entries_settled_once ON ledger_entries (receipt_id) WHERE receipt_id IS NOT NULL;

    CREATE FUNCTION refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'The ledger is append-only: % is refused.', TG_OP USING ERRCODE = 'insufficient_privilege';
    END $$;
    CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE ON ledger_entries
      FOR EACH ROW EXECUTE FUNCTION refuse_ledger_change();
    CREATE TRIGGER ledger_entries_never_truncated BEFORE TRUNCATE ON ledger_entries
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change();
  `.execute(db)
}
