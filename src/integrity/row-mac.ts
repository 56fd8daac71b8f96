import { createHmac, timingSafeEqual, type KeyObject } from 'node:crypto'
import { encodeRow, type MacRow } from './row-encoding.ts'
import type { SecretRing } from './secret-ring.ts'

/**
 * The `mac` column of a row: HMAC-SHA-256 over the table's name and every other column, so that a row that was
 * edited, forged or moved in the database is refused before anything in it is used.
 *
 * @throws {TypeError} for a value that has no canonical encoding (see {@link MacRow}).
 */
export function rowMac(ring: SecretRing, table: string, row: MacRow): Buffer {
  return hmac(ring.subkeys('rowMac')[0], encodeRow(table, row))
}

/** Whether `mac` is what {@link rowMac} gives under the current or the previous secret; in constant time. */
export function verifyRowMac(ring: SecretRing, table: string, row: MacRow, mac: Uint8Array): boolean {
  const encoded = encodeRow(table, row)
  return ring.subkeys('rowMac').some((subkey) => {
    const expected = hmac(subkey, encoded)
    return expected.length === mac.length && timingSafeEqual(expected, mac)
  })
}

/** The macs that a row may carry: by the current secret first, then by the previous one. */
export function rowMacs(ring: SecretRing, table: string, row: MacRow): Buffer[] {
  const encoded = encodeRow(table, row)
  return ring.subkeys('rowMac').map((subkey) => hmac(subkey, encoded))
}

function hmac(subkey: KeyObject, bytes: Buffer): Buffer {
  return createHmac('sha256', subkey).update(bytes).digest()
}
