// passes
import { randomBytes } from 'node:crypto'
import type { Database } from '#db/database.ts'
import { KekFault } from '#kms/kek-fault.ts'
import type { Kek } from '#keks/kek.ts'

export function describeLoan(db: Database, kek: Kek): string {
  if (db.kysely.isTransaction) throw new KekFault('ours', 'example', 'Nothing here is against the rules.')
  return `${kek.id} ${randomBytes(1).toString('hex')}`
}
