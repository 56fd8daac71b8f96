const advice: Readonly<Record<string, string>> = {
  admin_tokens: 'Revoke this token, and issue another.',
  credentials: 'Set the credential anew, or delete the target.',
  idempotency_records:
    'See whether the change was carried out; to ask for it again, take a new Idempotency-Key.',
  keks: 'Delete its targets, retire the KEK, register it anew and store the targets again.',
  targets: 'Delete the target and store it again.',
  virtual_keys: 'Revoke this virtual key, and issue another.',
}

/** What whoever meets a record that was tampered with can do about it. */
export function adviceOnTampered(table: string): string {
  return advice[table] ?? 'Restore the database from a backup.'
}
