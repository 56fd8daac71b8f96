import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '#db/ids.ts'
import { adminTokenActor } from '#ledger/actor.ts'
import { appendEntry, appendEntryUnder } from '#ledger/append.ts'
import { recordChange } from '#ledger/record-change.ts'
import type { LedgerEntry } from '#ledger/entry.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'
import { insertOrganisation } from '../../support/ledger.ts'
import { untilWaiting } from '../../support/until-waiting.ts'

let database: TestDatabase
let orgId: string
beforeAll(async () => {
  database = await createTestDatabase()
  orgId = await insertOrganisation(database.db)
})
afterAll(() => database[Symbol.asyncDispose]())

function makeEntry(fields: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    entryId: newId(),
    orgId,
    kind: 'kek.suspended',
    occurredAt: new Date('2026-01-02T03:04:05.678Z'),
    actor: 'probe',
    kekId: newId(),
    details: { reason: 'DisabledException', kmsRequestId: 'abc' },
    ...fields,
  }
}

function findEntry(entryId: string) {
  return database.db.kysely
    .selectFrom('ledger_entries')
    .selectAll()
    .where('entry_id', '=', entryId)
    .executeTakeFirst()
}

async function epochOf(): Promise<string> {
  const row = await database.db.kysely
    .selectFrom('organisations')
    .select('epoch')
    .where('id', '=', orgId)
    .executeTakeFirstOrThrow()
  return row.epoch
}

describe('an appended entry', () => {
  it('is stored as canonical JSON, beside the columns that find it', async () => {
    const entry = makeEntry()
    await appendEntry(database.db.kysely, entry)
    expect(await findEntry(entry.entryId)).toMatchObject({
      org_id: orgId,
      kind: 'kek.suspended',
      occurred_at: entry.occurredAt,
      kek_id: entry.kekId,
      target_id: null,
      virtual_key_id: null,
      receipt_id: null,
      body: `{"actor":"probe","details":{"kmsRequestId":"abc","reason":"DisabledException"},"entryId":"${entry.entryId}","format":1,"kekId":"${entry.kekId}","kind":"kek.suspended","occurredAt":"2026-01-02T03:04:05.678Z","orgId":"${orgId}"}`,
    })
  })

  it('vanishes with the transaction that it tells of', async () => {
    const entry = makeEntry()
    const failing = database.db.transaction(async (trx) => {
      await appendEntry(trx, entry)
      throw new Error('the change failed')
    })
    await expect(failing).rejects.toThrow('the change failed')
    expect(await findEntry(entry.entryId)).toBeUndefined()
  })

  it('of an organisation that does not exist is refused', async () => {
    const entry = makeEntry({ orgId: newId() })
    await expect(appendEntry(database.db.kysely, entry)).rejects.toMatchObject({
      code: 'organisation_not_found',
    })
    expect(await findEntry(entry.entryId)).toBeUndefined()
  })

  it('is never taken twice', async () => {
    const entry = makeEntry()
    await appendEntry(database.db.kysely, entry)
    await expect(appendEntry(database.db.kysely, entry)).rejects.toMatchObject({ code: '23505' })
  })
})

describe('the ledger', () => {
  it.each([
    'UPDATE ledger_entries SET body = $$forged$$',
    `UPDATE ledger_entries SET kind = 'kek.resumed' WHERE kind = 'kek.suspended'`,
    'DELETE FROM ledger_entries',
    'TRUNCATE ledger_entries',
    `INSERT INTO ledger_entries (org_id, entry_id, kind, occurred_at, body)
      SELECT org_id, entry_id, kind, occurred_at, 'forged' FROM ledger_entries
      ON CONFLICT (org_id, entry_id) DO UPDATE SET body = excluded.body`,
  ])('refuses %s', async (statement) => {
    await appendEntry(database.db.kysely, makeEntry())
    const entries = database.db.kysely.selectFrom('ledger_entries').selectAll().orderBy('position')
    const before = await entries.execute()
    await expect(database.db.pool.query(statement)).rejects.toMatchObject({ code: '42501' })
    expect(await entries.execute()).toEqual(before)
  })
})

describe('an entry of an admin token', () => {
  const issue = async (fields: { orgId?: string; expiresAt?: Date; revokedAt?: Date } = {}) => {
    const id = newId()
    await database.db.kysely
      .insertInto('admin_tokens')
      .values({
        id,
        org_id: fields.orgId ?? orgId,
        name: 'x',
        digest: randomBytes(32),
        hint: '',
        created_at: new Date(0),
        expires_at: fields.expiresAt ?? null,
        revoked_at: fields.revokedAt ?? null,
        mac: randomBytes(32),
      })
      .execute()
    return adminTokenActor(id)
  }
  const now = new Date('2026-01-02T03:04:05.678Z')
  const later = new Date(now.getTime() + 1)

  it('is written while the token may be used', async () => {
    for (const actor of [await issue(), await issue({ expiresAt: later })]) {
      const entry = makeEntry({ actor })
      await appendEntry(database.db.kysely, entry)
      expect(await findEntry(entry.entryId)).toBeDefined()
    }
  })

  it('holds off the token’s revocation until it is committed: none commits in between', async () => {
    const actor = await issue()
    const appended = Promise.withResolvers<void>()
    const commit = Promise.withResolvers<void>()
    const appending = database.db.transaction(async (trx) => {
      await appendEntry(trx, makeEntry({ actor }))
      appended.resolve()
      await commit.promise
    })
    await appended.promise
    const ends: string[] = []
    const revoking = database.db
      .transaction(async (trx) => {
        await recordChange(trx, { ...makeEntry(), kind: 'admin-token.revoked', actor: 'operator' })
        const id = actor.slice(actor.indexOf(':') + 1)
        await trx.updateTable('admin_tokens').set({ revoked_at: now }).where('id', '=', id).execute()
      })
      .then(() => ends.push('revoked'))
    await untilWaiting(database.db)
    commit.resolve()
    await appending.then(() => ends.push('appended'))
    await revoking
    expect(ends).toEqual(['appended', 'revoked'])
    await expect(appendEntry(database.db.kysely, makeEntry({ actor }))).rejects.toMatchObject({
      code: 'actor_gone',
    })
  })

  it('is refused for one that was revoked, has expired, is another organisation’s, or is gone', async () => {
    const actors = [
      await issue({ revokedAt: now }),
      await issue({ expiresAt: now }),
      await issue({ orgId: await insertOrganisation(database.db) }),
      adminTokenActor(newId()),
    ]
    for (const actor of actors) {
      const entry = makeEntry({ actor })
      await expect(appendEntry(database.db.kysely, entry)).rejects.toMatchObject({ code: 'actor_gone' })
      const epoch = await epochOf()
      await expect(appendEntryUnder(database.db.kysely, entry, epoch)).rejects.toMatchObject({
        code: 'actor_gone',
      })
      expect(await findEntry(entry.entryId)).toBeUndefined()
    }
  })
})

describe('an entry that was decided under an epoch', () => {
  it('is written under that one, and under no other', async () => {
    const epoch = await epochOf()
    const [entry, late] = [makeEntry(), makeEntry()]
    expect(await appendEntryUnder(database.db.kysely, entry, epoch)).toBe('committed')
    await database.db.transaction((trx) => recordChange(trx, makeEntry()))
    expect(await appendEntryUnder(database.db.kysely, late, epoch)).toBe('stale')
    expect([await findEntry(entry.entryId), await findEntry(late.entryId)]).toEqual([
      expect.anything(),
      undefined,
    ])
  })

  it('does not land beside a change that is being committed, but waits, and is stale', async () => {
    const epoch = await epochOf()
    const entry = makeEntry()
    const appending = await database.db.transaction(async (trx) => {
      await recordChange(trx, makeEntry())
      const result = appendEntryUnder(database.db.kysely, entry, epoch)
      await untilWaiting(database.db)
      return { result }
    })
    expect(await appending.result).toBe('stale')
    expect(await findEntry(entry.entryId)).toBeUndefined()
  })

  it('is refused for an organisation that does not exist', async () => {
    const entry = makeEntry({ orgId: newId() })
    await expect(appendEntryUnder(database.db.kysely, entry, '1')).rejects.toMatchObject({
      code: 'organisation_not_found',
    })
  })
})
