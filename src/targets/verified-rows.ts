import type { Db } from '#db/database.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import type { LendableTarget } from './lendable.ts'
import { findCurrentCredentialsOfOrg } from './credential-repository.ts'
import { findTargetsOfOrg, readRowPrints } from './repository.ts'
import type { Credential, Target } from './target.ts'

/** A target and its credential in use, as a snapshot had them and their macs proved them. */
export type VerifiedRow = Readonly<{
  /** Of both rows, every column of them; null where one was not genuine, and must be looked at again. */
  print: string | null
  target: Target
  credential: Credential | undefined
  /** What was made of them last. */
  lendable: LendableTarget | null
}>

export type VerifiedRows = ReadonlyMap<string, VerifiedRow>

/**
 * An organisation's targets in the order in which they were stored. Rows that are as they were in `held` are not read
 * or verified again: the database says so by a fingerprint of each. Whoever forges a row that fits the fingerprint of
 * the one it replaces has changed nothing here, for what was verified is what is kept.
 *
 * Ten thousand targets take half a second to read and verify, and a hundredth of that to recognise.
 */
export async function readVerifiedRows(
  trx: Db,
  ring: SecretRing,
  orgId: string,
  held: VerifiedRows,
  onTampered: (table: 'credentials' | 'targets', targetId: string) => void,
): Promise<VerifiedRows> {
  const prints = await readRowPrints(trx, orgId)
  const isKnown = ({ id, print }: { id: string; print: string }) => held.get(id)?.print === print
  const changed = prints.filter((row) => !isKnown(row)).map(({ id }) => id)
  const credentials = new Map(
    (await findCurrentCredentialsOfOrg(trx, ring, orgId, changed, (id) => onTampered('credentials', id))).map(
      (credential) => [credential.targetId, credential],
    ),
  )
  const targets = new Map(
    (await findTargetsOfOrg(trx, ring, orgId, changed, (id) => onTampered('targets', id))).map((target) => [
      target.id,
      target,
    ]),
  )
  const rows = new Map<string, VerifiedRow>()
  for (const { id, print } of prints) {
    const target = targets.get(id)
    const credential = credentials.get(id)
    const kept = held.get(id)
    if (kept?.print === print) rows.set(id, kept)
    else if (target !== undefined) {
      rows.set(id, { print: credential === undefined ? null : print, target, credential, lendable: null })
    }
  }
  return rows
}
