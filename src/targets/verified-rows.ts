import { isDeepStrictEqual } from 'node:util'
import type { Db } from '#db/database.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import type { Kek } from '#keks/kek.ts'
import { findCurrentCredentialsOfOrg } from './credential-repository.ts'
import { lendableTarget, type LendableTarget } from './lendable.ts'
import { findTargetsOfOrg, readRowPrints } from './repository.ts'
import type { Credential, Target } from './target.ts'

/** A target and its credential in use, as a snapshot had them and their macs proved them. */
type VerifiedRow = Readonly<{
  /** Of both rows, every column of them; null where one was not genuine, and must be looked at again. */
  print: string | null
  target: Target
  credential: Credential | undefined
  /** What is made of them and the KEK; null where a row is missing, or the rows contradict one another. */
  lendable: LendableTarget | null
}>

/** An organisation's targets, by id, in the order in which they were stored, and the KEKs that they were joined with. */
export type VerifiedRows = Readonly<{
  keks: ReadonlyMap<string, Kek>
  rows: ReadonlyMap<string, VerifiedRow>
}>

export const noRows: VerifiedRows = { keks: new Map(), rows: new Map() }

/** Others' requests wait while rows are verified: so many of them take some ten milliseconds. */
const rowsAtOnce = 250

/**
 * The organisation's rows as the snapshot has them. Rows that are as they were in `held` are not read or verified
 * again: the database says so by a fingerprint of each. Whoever forges a row that fits the fingerprint of the one it
 * replaces has changed nothing here, for what was verified is what is kept.
 *
 * Ten thousand targets take half a second to read and verify, and a tenth of that to recognise.
 * @param read.keks those of the organisation that are genuine, as the same snapshot has them
 */
export async function readVerifiedRows(
  trx: Db,
  read: Readonly<{
    ring: SecretRing
    orgId: string
    keks: readonly Kek[]
    held: VerifiedRows
    onTampered: (table: 'credentials' | 'targets', targetId: string) => void
  }>,
): Promise<VerifiedRows> {
  const { ring, orgId, held, onTampered } = read
  const keks = new Map(read.keks.map((kek) => [kek.id, asHeld(kek, held)]))
  const prints = await readRowPrints(trx, orgId)
  const changed = prints.filter(({ id, print }) => held.rows.get(id)?.print !== print)
  const fresh = new Map<string, VerifiedRow>()
  for (let at = 0; at < changed.length; at += rowsAtOnce) {
    const part = new Map(changed.slice(at, at + rowsAtOnce).map(({ id, print }) => [id, print]))
    const ids = [...part.keys()]
    const credentials = new Map(
      (await findCurrentCredentialsOfOrg(trx, ring, orgId, ids, (id) => onTampered('credentials', id))).map(
        (credential) => [credential.targetId, credential],
      ),
    )
    const targets = await findTargetsOfOrg(trx, ring, orgId, ids, (id) => onTampered('targets', id))
    for (const target of targets) {
      const credential = credentials.get(target.id)
      const print = credential === undefined ? null : (part.get(target.id) ?? null)
      const lendable = join(target, credential, keks.get(target.kekId))
      fresh.set(target.id, { print, target, credential, lendable })
    }
  }
  const rows = new Map<string, VerifiedRow>()
  for (const { id, print } of prints) {
    const kept = held.rows.get(id)
    const row = kept?.print === print ? underKek(kept, keks.get(kept.target.kekId)) : fresh.get(id)
    if (row !== undefined) rows.set(id, row)
  }
  return { keks, rows }
}

/** The KEK that is held where nothing of it has changed, so that what was made with it can be kept. */
function asHeld(kek: Kek, { keks }: VerifiedRows): Kek {
  const held = keks.get(kek.id)
  return held !== undefined && isDeepStrictEqual(held, kek) ? held : kek
}

/** The same rows joined with what their KEK is now: its rules and its state may be others. */
function underKek(row: VerifiedRow, kek: Kek | undefined): VerifiedRow {
  const { target, credential, lendable } = row
  if (kek !== undefined && lendable?.kek === kek) return row
  if (kek === undefined || lendable === null || !isSameKey(lendable.kek, kek))
    return { ...row, lendable: join(target, credential, kek) }
  return { ...row, lendable: { ...lendable, kek, record: { ...lendable.record, kek } } }
}

/** Whether all that `lendableTarget` asks of a KEK is as it was. */
function isSameKey(a: Kek, b: Kek): boolean {
  return (
    a.id === b.id && a.orgId === b.orgId && a.kekRef === b.kekRef && a.access.provider === b.access.provider
  )
}

function join(
  target: Target,
  credential: Credential | undefined,
  kek: Kek | undefined,
): LendableTarget | null {
  if (credential === undefined || kek === undefined) return null
  try {
    return lendableTarget(target, credential, kek)
  } catch {
    return null
  }
}
