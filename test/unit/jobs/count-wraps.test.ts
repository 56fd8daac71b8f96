import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { newId } from '#db/ids.ts'
import { countWraps } from '#jobs/cryptoperiod-repository.ts'
import { appendEntry } from '#ledger/append.ts'
import type { EntryKind } from '#ledger/entry.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'
import { insertOrganisation } from '../../support/ledger.ts'

describe('the DEKs that a KEK has wrapped', () => {
  let database: TestDatabase
  let orgId: string
  beforeAll(async () => {
    database = await createTestDatabase()
    orgId = await insertOrganisation(database.db)
  })
  afterAll(() => database[Symbol.asyncDispose]())

  const append = (kekId: string, kind: EntryKind, details = {}, of = orgId) =>
    appendEntry(database.db.kysely, {
      entryId: newId(),
      orgId: of,
      kind,
      actor: 'test',
      occurredAt: new Date(),
      kekId,
      details,
    })
  const count = (kekId: string) => countWraps(database.db.kysely, { id: kekId, orgId })
  const versions = (generations: number) =>
    Array.from({ length: generations }, (_, index) => ({ generation: index + 1, fromMaterialId: newId() }))

  it.each([
    ['target.stored', {}, 1],
    ['target.credential-rotated', { generation: 2 }, 1],
    ['kek.verified', {}, 2],
    ['target.rewrapped', { versions: versions(3) }, 3],
    ['target.re-encrypted', { versions: versions(1) }, 1],
    ['kek.activated', {}, 0],
    ['target.tested', { versions: versions(5) }, 0],
  ] as const)('are counted of an entry %s', async (kind, details, wraps) => {
    const kekId = newId()
    await append(kekId, kind, details)
    expect(await count(kekId)).toBe(wraps)
  })

  it('are those of all its entries, and of no other KEK’s or organisation’s', async () => {
    const [kekId, otherId] = [newId(), newId()]
    const otherOrgId = await insertOrganisation(database.db)
    expect(await count(kekId)).toBe(0)
    for (let target = 0; target < 3; target += 1) await append(kekId, 'target.stored')
    await append(kekId, 'target.rewrapped', { versions: versions(2) })
    await append(otherId, 'target.stored')
    await append(kekId, 'target.stored', {}, otherOrgId)
    expect(await count(kekId)).toBe(5)
  })

  it('are counted by an index that holds them, without reading an entry', async () => {
    const kekId = newId()
    for (let target = 0; target < 50; target += 1) await append(kekId, 'target.stored')
    await database.db.pool.query('VACUUM ANALYZE ledger_entries')
    // oxlint-disable-next-line typescript/unbound-method -- called on its client by vitest
    const query = vi.spyOn(Client.prototype, 'query')
    expect(await count(kekId)).toBe(50)
    const asked = query.mock.calls.map(([text]) => text).find((text) => text.includes('wraps'))
    query.mockRestore()
    const client = await database.db.pool.connect()
    try {
      // The table is too small for an index to be worth its while.
      await client.query('SET enable_seqscan = off; SET enable_bitmapscan = off')
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${asked}`, [kekId, orgId])
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
      expect(plan).toContain('Index Only Scan using ledger_entries_of_wraps')
    } finally {
      client.release(true)
    }
  })
})
