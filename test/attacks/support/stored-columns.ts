import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBesiegedHasp, type Besieged, type KekHome } from './besieged-hasp.ts'
import { guardedTables, type Column, type GuardedTable } from './database-attacker.ts'
import { flippedValues } from './flipped-values.ts'

/** What a proxied call may answer when a row that it depends on was changed. */
const refusals = {
  keks: ['credential_tampered'],
  targets: ['credential_tampered', 'no_target'],
  credentials: ['credential_tampered'],
  virtual_keys: ['virtual_key_tampered', 'virtual_key_unknown'],
  admin_tokens: ['row_tampered', 'unauthenticated'],
} as const satisfies Record<GuardedTable, readonly string[]>

/** Every column of every row that decides to whom a credential is lent, changed in every way. */
export function attackStoredColumns(home: KekHome): void {
  let besieged: Besieged
  beforeAll(async () => {
    besieged = await startBesiegedHasp(home)
    await besieged.attacker.remember()
  })
  afterAll(() => besieged[Symbol.asyncDispose]())

  const rowsOf = (table: GuardedTable, org: 'a' | 'b' = 'a') => {
    const { victimKekId, bystanderKekId, victimId, bystanderId, agent, limited } = besieged[org]
    const ids = {
      keks: [victimKekId, bystanderKekId],
      targets: [victimId, bystanderId],
      credentials: [victimId, bystanderId],
      virtual_keys: [agent.id, limited.id],
      admin_tokens: [tokenIds[org], tokenIds[org]],
    }
    return ids[table] as [string, string]
  }
  let tokenIds: { a: string; b: string }
  beforeAll(async () => {
    const idOf = async (org: 'a' | 'b') => (await besieged[org].api('GET', '/admin-tokens')).body.items[0].id
    tokenIds = { a: await idOf('a'), b: await idOf('b') }
  })

  /** The request that depends on the victim's row of `table`; its code, or undefined when it was served. */
  const dependOn = async (table: GuardedTable): Promise<string | undefined> => {
    const { a, call } = besieged
    if (table !== 'admin_tokens') return (await call(a.agent.token)).code
    const { status, body } = await a.api('GET', '/organisation')
    return status === 200 ? undefined : body.code
  }

  /** Nothing of the victim's was unwrapped, and the provider saw nobody. */
  const evidence = async () => ({
    providerRequests: besieged.providerRequests(),
    entries: await besieged.attacker.query(
      `SELECT kind, count(*)::int AS count FROM ledger_entries
       WHERE target_id = $1 AND kind IN ('unwrap.intended', 'receipt.opened') GROUP BY kind ORDER BY kind`,
      [besieged.a.victimId],
    ),
  })

  const expectServed = async () => {
    const { a, b, call, attacker } = besieged
    await attacker.restore()
    for (const { agent } of [a, b]) expect(await call(agent.token)).toMatchObject({ status: 200 })
    expect(await dependOn('admin_tokens')).toBeUndefined()
  }

  for (const table of Object.keys(guardedTables) as GuardedTable[]) {
    describe(`a row of ${table}`, () => {
      it('lends nothing once any bit of any column is another, or is nulled, and disturbs no other target', async () => {
        const { attacker, a, call, alarms } = besieged
        await expectServed()
        const [id] = rowsOf(table)
        const row = await attacker.read(table, id)
        const columns = await attacker.columnsOf(table)
        const before = await evidence()
        let bystanderCalls = 0
        for (const column of columns) {
          let tried = 0
          for (const value of attemptsOn(column, row[column.name] ?? null, table)) {
            if (!(await attacker.apply(attacker.set(table, id, column, value)))) continue
            tried += 1
            const alarmsBefore = alarms().length
            const code = await dependOn(table)
            expect(refusals[table], `${table}.${column.name} = ${value}`).toContain(code)
            if (table === 'admin_tokens') continue
            if (code?.endsWith('_tampered')) expectAlarmed(alarms().slice(alarmsBefore))
            if (tried > 1 || table === 'virtual_keys') continue
            expect(await call(a.agent.token, 'bystander')).toMatchObject({ status: 200 })
            bystanderCalls += 1
          }
          expect(tried, `${table}.${column.name} was attacked`).toBeGreaterThan(0)
        }
        before.providerRequests += bystanderCalls
        expect(await evidence()).toEqual(before)
        await expectServed()
      }, 120_000)

      it('lends nothing with any column taken from another row, of its own or of another organisation', async () => {
        const { attacker } = besieged
        await expectServed()
        const columns = (await attacker.columnsOf(table)).map((column) => column.name)
        const before = await evidence()
        const [mine, sibling] = rowsOf(table)
        let swaps = 0
        for (const other of new Set([sibling, ...rowsOf(table, 'b')])) {
          if (other === mine) continue
          const sets = [
            ...columns.map((name) => [name]),
            columns.filter((name) => name === 'mac' || name === 'sealed'),
          ]
          for (const set of [...sets, columns.filter((name) => !isRowId(table, name))]) {
            if (!(await attacker.apply(attacker.swap(table, mine, other, set)))) continue
            swaps += 1
            expect(refusals[table], `${set.join(', ')} of ${other}`).toContain(await dependOn(table))
          }
        }
        expect(swaps).toBeGreaterThan(columns.length / 2)
        expect(await evidence()).toEqual(before)
        await expectServed()
      }, 60_000)
    })
  }
}

/** Somebody is told, once of each row. */
function expectAlarmed(alarms: { table: string; id?: string }[]): void {
  const rows = alarms.map(({ table, id }) => `${table} ${id}`)
  expect(rows).not.toEqual([])
  expect(rows).toEqual([...new Set(rows)])
}

/** Each flipped bit; NULL where the column takes it; and a value in its place where it is NULL. */
function attemptsOn(column: Column, value: string | null, table: GuardedTable): (string | null)[] {
  if (value === null) return [plausibleValues[column.type] ?? 'x']
  const isEveryBit = table === 'credentials' && column.name === 'sealed'
  return [
    ...flippedValues(column, value, isEveryBit),
    ...(extremes[column.type] ?? []),
    ...(column.isNullable ? [null] : []),
  ]
}

/** What PostgreSQL stores and JavaScript can not hold, and what an empty list could become. */
const extremes: Record<string, string[]> = {
  timestamptz: ['infinity', '-infinity', '0044-03-15 BC'],
  _text: ['{NULL}', '{{a},{b}}', '{x}'],
  _uuid: ['{NULL}', '{019a0000-0000-7000-8000-000000000000}'],
  int8: ['9007199254740993'],
  jsonb: ['null', '[1, {}]'],
}

const plausibleValues: Record<string, string> = {
  timestamptz: '2099-01-01T00:00:00Z',
  bytea: '\\x00',
  text: 'x',
  int4: '1',
}

function isRowId(table: GuardedTable, column: string): boolean {
  return (guardedTables[table] as readonly string[]).includes(column)
}
