import { describe, expect, it } from 'vitest'
import { decodeEnvelope } from '#envelope/format-v1.ts'
import { openSecret } from '#envelope/open.ts'
import { deriveRecordKey } from '#envelope/record-key.ts'
import { SecretBytes } from '#envelope/secret-bytes.ts'
import { rowMac, verifyRowMac } from '#integrity/row-mac.ts'
import { SecretRing } from '#integrity/secret-ring.ts'
import { tokenDigests } from '#integrity/token.ts'
import { fromHex, loadVectors } from '../../vectors/load.ts'
import { toMacRow } from '../../vectors/typed-row.ts'

const vectors = loadVectors('integrity-v1.json')
const ring = new SecretRing({ current: fromHex(vectors.root) })

describe('the frozen integrity vectors', () => {
  it.each(vectors.rowMacs)('give the mac of the row in $table', ({ table, row, mac }) => {
    expect(rowMac(ring, table, toMacRow(row)).toString('hex')).toBe(mac)
    expect(verifyRowMac(ring, table, toMacRow(row), fromHex(mac))).toBe(true)
  })

  it('give the digest of the token', () => {
    const { token, digest } = vectors.tokenDigest
    expect(tokenDigests(ring, token).map((bytes) => bytes.toString('hex'))).toEqual([digest])
  })
})

describe('a forged wrap: the envelope of an attacker who may write to the database', () => {
  const { table, row, mac, attackerDek, context } = vectors.forgedWrap
  const { sealed } = toMacRow(row)
  if (!Buffer.isBuffer(sealed)) throw new Error('The vector lost its sealed column.')
  const envelope = decodeEnvelope(sealed)

  it('would open under the DEK that the attacker wrapped', () => {
    using dek = SecretBytes.take(fromHex(attackerDek))
    const recordKey = deriveRecordKey({ dek, envelope, context })
    using plaintext = openSecret(recordKey, envelope, context)
    expect(plaintext.length).toBeGreaterThan(0)
  })

  it('is refused by the mac of its row, before any KMS is asked', () => {
    expect(verifyRowMac(ring, table, toMacRow(row), fromHex(mac))).toBe(false)
  })
})
