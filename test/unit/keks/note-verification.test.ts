import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createOrganisation } from '#access/create-organisation.ts'
import { newId } from '#db/ids.ts'
import { SecretRing } from '#integrity/secret-ring.ts'
import { noteVerification } from '#keks/note-verification.ts'
import { insertKek } from '#keks/repository.ts'
import type { Verdict, VerificationRecord } from '#keks/verification.ts'
import { findLastVerdict, listVerifications } from '#keks/verification-repository.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'
import { localKek } from './local-kek.ts'

const ring = new SecretRing({ current: Buffer.alloc(32, 7), previous: undefined })
const startMs = Date.now()

let database: TestDatabase
let orgId: string
let kekId: string

beforeAll(async () => {
  database = await createTestDatabase()
  const now = () => new Date()
  orgId = (await createOrganisation({ db: database.db, ring, now }, { name: newId(), actor: 'test' })).orgId
})
afterAll(() => database[Symbol.asyncDispose]())
beforeEach(async () => {
  kekId = await newKek()
})

async function newKek(): Promise<string> {
  const id = newId()
  await insertKek(database.db.kysely, ring, { ...localKek, id, orgId, name: id, kekRef: `local:${id}` })
  return id
}

async function note(verdict: Verdict, more: { kekId?: string; actor?: string } = {}): Promise<string> {
  const record: VerificationRecord = {
    id: newId(),
    orgId,
    kekId,
    verifiedAt: new Date(startMs),
    actor: 'reverification',
    verdict,
    checks: [],
    findings: [],
    probes: [],
    ...more,
  }
  await noteVerification({ db: database.db, ring, reverifyIntervalMs: 0 }, record, { isEntryWritten: true })
  return record.id
}

async function noteMany(verdict: Verdict, count: number): Promise<string[]> {
  const ids: string[] = []
  while (ids.length < count) ids.push(await note(verdict))
  return ids
}

/** Newest first. */
const kept = async (of = kekId) => {
  const page = { beforeId: undefined, limit: 1_000 }
  return (await listVerifications(database.db.kysely, ring, { orgId, kekId: of }, page)).map(({ id }) => id)
}
const entriesOf = async (of: string) => {
  const query = database.db.kysely.selectFrom('ledger_entries').select('entry_id').where('kek_id', '=', of)
  return (await query.execute()).length
}

describe('the verifications of a KEK', () => {
  it('are kept up to the newest 100 of a verdict, and with them the last of every other verdict', async () => {
    const others = [await note('dangerous'), await note('failed'), await note('surplus')]
    const least = await noteMany('least', 103)
    expect(await kept()).toEqual([...others, ...least.slice(3)].toReversed())
    expect(await entriesOf(kekId)).toBe(106)
  })

  it('are nothing that another KEK’s verifications drive out', async () => {
    const other = await newKek()
    const ofOther = await note('least', { kekId: other })
    await noteMany('least', 101)
    expect(await kept(other)).toEqual([ofOther])
  })

  it('are not driven out, nor the last verdict forgotten, by an outage that outlasts them', async () => {
    const learnt = [await note('surplus'), await note('least')]
    await noteMany('unknown', 101)
    expect((await kept()).slice(-2)).toEqual(learnt.toReversed())
    const last = await findLastVerdict(database.db.kysely, ring, { orgId, kekId })
    expect(last).toMatchObject({ id: learnt[1], verdict: 'least' })
  })

  it('stay as they are when the next one may not be written', async () => {
    const before = await noteMany('least', 100)
    const gone = note('least', { actor: `admin-token:${newId()}` })
    await expect(gone).rejects.toMatchObject({ code: 'actor_gone' })
    expect(await kept()).toEqual(before.toReversed())
  })
})
