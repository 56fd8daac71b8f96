// Generated from the migrated database by test/unit/db/schema.test.ts, which fails when this file differs.
// After a migration: npx vitest run test/unit/db/schema.test.ts --update
import type { ColumnType } from 'kysely'

type Generated<T> =
  T extends ColumnType<infer S, infer I, infer U>
    ? ColumnType<S, I | undefined, U>
    : ColumnType<T, T | undefined, T>

type Int8 = ColumnType<string, bigint | number | string, bigint | number | string>

type Json = JsonValue

type JsonArray = JsonValue[]

type JsonObject = {
  [x: string]: JsonValue | undefined
}

type JsonPrimitive = boolean | number | string | null

type JsonValue = JsonArray | JsonObject | JsonPrimitive

type Timestamp = ColumnType<Date, Date | string, Date | string>

interface AdminTokens {
  created_at: Timestamp
  digest: Buffer
  expires_at: Timestamp | null
  hint: string
  id: string
  mac: Buffer
  name: string
  org_id: string
  revoked_at: Timestamp | null
}

interface Credentials {
  created_at: Timestamp
  dek_created_at: Timestamp
  generation: Int8
  kek_id: string
  mac: Buffer
  org_id: string
  preview: string
  sealed: Buffer
  target_id: string
  wrapped_at: Timestamp
}

interface IdempotencyRecords {
  attempt: string
  body: string
  created_at: Timestamp
  idempotency_key: string
  mac: Buffer
  org_id: string
  request_digest: Buffer
  status: number
}

interface KekDrills {
  actor: string
  bound_ms: number
  canary_interval_ms: number
  end_asked_at: Timestamp | null
  ended_at: Timestamp | null
  ends_by: Timestamp
  hasp_ms: number
  id: string
  kek_id: string
  measure: Json
  org_id: string
  restored_at: Timestamp | null
  restoring_at: Timestamp | null
  seen_at: Timestamp
  started_at: Timestamp
  state: string
  unwrap_mode: string
  withdrawn_at: Timestamp | null
}

interface KekProbes {
  kek_id: string
  last_kms_request_id: string | null
  last_outcome: string | null
  last_probe_at: Timestamp | null
  log_seen_at: Timestamp | null
  log_seen_request_id: string | null
  next_probe_at: Timestamp
  next_verification_at: Timestamp | null
  org_id: string
}

interface Keks {
  access: Json
  cache_ceiling_ms: number
  cache_uses_max: number
  canary: Buffer | null
  created_at: Timestamp
  credential_age_days_max: number | null
  dek_age_days_max: number | null
  id: string
  kek_ref: string
  mac: Buffer
  name: string
  org_id: string
  probe_interval_ms: number
  protection: string | null
  protection_rule: string
  provider: string
  state: string
  state_changed_at: Timestamp
  state_reason: string | null
  stream_rule: string
  unwrap_mode: string
  wrap_age_days_max: number | null
  wraps_max: number | null
}

interface KekVerifications {
  actor: string
  evidence: Json
  id: string
  kek_id: string
  mac: Buffer
  org_id: string
  verdict: string
  verified_at: Timestamp
}

interface LedgerEntries {
  body: string
  entry_id: string
  kek_id: string | null
  kind: string
  occurred_at: Timestamp
  org_id: string
  position: Generated<Int8>
  receipt_id: string | null
  target_id: string | null
  virtual_key_id: string | null
  wraps: Generated<number | null>
  xid: Generated<string>
}

interface LifecycleJobProgress {
  job_id: string
  last_error: string | null
  org_id: string
  records_done: Generated<Int8>
  records_failed: Generated<Int8>
  records_total: Generated<Int8>
  retry_at: Timestamp | null
  run_by: string | null
  run_id: string | null
  seen_at: Timestamp
}

interface LifecycleJobs {
  actor: string
  created_at: Timestamp
  ended_at: Timestamp | null
  from_kek_id: string
  id: string
  kind: string
  mac: Buffer
  org_id: string
  records_per_second_max: number
  started_at: Timestamp | null
  state: string
  state_reason: string | null
  target_id: string | null
  to_kek_id: string
}

interface OnboardingLinks {
  created_at: Timestamp
  digest: Buffer
  expires_at: Timestamp
  hint: string
  id: string
  kek_id: string
  mac: Buffer
  org_id: string
  revoked_at: Timestamp | null
}

interface Organisations {
  created_at: Generated<Timestamp>
  epoch: Generated<Int8>
  id: string
  name: string
}

interface TargetHealth {
  detail: string | null
  last_used_at: Timestamp | null
  last_verified_at: Timestamp | null
  org_id: string
  target_id: string
  verification: string | null
}

interface Targets {
  base_url: string
  created_at: Timestamp
  environment: string
  generation: Int8
  id: string
  kek_id: string
  mac: Buffer
  models: string[]
  name: string
  org_id: string
  provider: string
  updated_at: Timestamp
}

interface VirtualKeys {
  created_at: Timestamp
  digest: Buffer
  expires_at: Timestamp | null
  hint: string
  id: string
  mac: Buffer
  models: string[]
  name: string
  org_id: string
  revoked_at: Timestamp | null
  target_ids: string[]
}

/** Every table, as Kysely wants it. */
export interface Schema {
  admin_tokens: AdminTokens
  credentials: Credentials
  idempotency_records: IdempotencyRecords
  kek_drills: KekDrills
  kek_probes: KekProbes
  kek_verifications: KekVerifications
  keks: Keks
  ledger_entries: LedgerEntries
  lifecycle_job_progress: LifecycleJobProgress
  lifecycle_jobs: LifecycleJobs
  onboarding_links: OnboardingLinks
  organisations: Organisations
  target_health: TargetHealth
  targets: Targets
  virtual_keys: VirtualKeys
}
