import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { credentialOf, startBesiegedHasp, type Besieged } from './support/besieged-hasp.ts'
import type { AnyJson } from '../support/running-hasp.ts'
import { guardedTables, type GuardedTable } from './support/database-attacker.ts'

/**
 * A mac proves that a row was written by this service, not that it is the last one written. Whoever kept an older row
 * can put it back whole. These tests say exactly how far that goes, and what tells of it.
 */
describe('whoever kept older rows of the database', () => {
  let besieged: Besieged
  beforeAll(async () => {
    besieged = await startBesiegedHasp('aws')
  })
  afterAll(() => besieged[Symbol.asyncDispose]())

  /** Copies of the rows with this id in `table` now, to be put back later; raises the epoch as a real change would. */
  const keep = async (table: GuardedTable, id: string) => {
    const { attacker } = besieged
    const [rowId] = guardedTables[table]
    const kept = `kept_${Math.random().toString(36).slice(2)}`
    await attacker.query(`CREATE TABLE ${kept} AS SELECT * FROM ${table} WHERE ${rowId} = '${id}'`)
    const columns = (await attacker.columnsOf(table)).map((column) => column.name).join(', ')
    return async () => {
      // An UPDATE where the row still is, so that no foreign key notices; an INSERT where it has been erased.
      const key = guardedTables[table].map((name) => `row.${name} = kept.${name}`).join(' AND ')
      await attacker.query(
        `UPDATE ${table} AS row SET (${columns}) = (SELECT ${columns} FROM ${kept} AS kept WHERE ${key})
         WHERE EXISTS (SELECT FROM ${kept} AS kept WHERE ${key})`,
      )
      await attacker.query(`INSERT INTO ${table} SELECT * FROM ${kept} ON CONFLICT DO NOTHING`)
      await attacker.query('UPDATE organisations SET epoch = epoch + 1')
    }
  }
  const entriesAbout = async (column: string, id: string): Promise<AnyJson[]> => {
    const rows = await besieged.attacker.query(
      `SELECT body::json FROM ledger_entries WHERE ${column} = $1 AND kind <> 'receipt.settled' ORDER BY position`,
      [id],
    )
    return rows.map((row) => row.body)
  }

  describe('and gives a revoked virtual key its old row', () => {
    it('is served: a KNOWN LIMIT, seen in the ledger by receipts that follow the revocation', async () => {
      const { a, call } = besieged
      const { id, token } = (await a.api('POST', '/virtual-keys', { name: 'gone', targetIds: 'all' })).body
      expect(await call(token)).toMatchObject({ status: 200 })
      const putBack = await keep('virtual_keys', id)
      await a.api('POST', `/virtual-keys/${id}/revoke`)
      expect((await call(token)).code).toBe('virtual_key_revoked')
      await putBack()
      expect(await call(token)).toMatchObject({ status: 200 })
      const kinds = (await entriesAbout('virtual_key_id', id)).map((entry) => entry.kind)
      expect(kinds).toEqual(['virtual-key.issued', 'receipt.opened', 'virtual-key.revoked', 'receipt.opened'])
    })

    it('is refused when it only clears the revocation in the present row', async () => {
      const { a, call, attacker } = besieged
      const { id, token } = (await a.api('POST', '/virtual-keys', { name: 'gone', targetIds: 'all' })).body
      await a.api('POST', `/virtual-keys/${id}/revoke`)
      await attacker.query(`UPDATE virtual_keys SET revoked_at = NULL WHERE id = '${id}'`)
      await attacker.query('UPDATE organisations SET epoch = epoch + 1')
      expect((await call(token)).code).toBe('virtual_key_tampered')
    })
  })

  describe('and rolls a target back to the credential before its rotation', () => {
    it('is served with the older credential: a KNOWN LIMIT, seen in the ledger by the generation in the receipts', async () => {
      const { a, call, surroundings } = besieged
      const credential = `${credentialOf(a.id, 'victim')}-second`
      const accepted = [credential, credentialOf(a.id, 'victim'), credentialOf(a.id, 'bystander')]
      surroundings.openai.setAcceptedCredentials(accepted)
      expect(await call(a.agent.token)).toMatchObject({ status: 200 })
      const rows = [await keep('targets', a.victimId), await keep('credentials', a.victimId)]
      await a.api('PATCH', `/api-targets/${a.victimId}`, { credential, validate: false })
      expect(await call(a.agent.token)).toMatchObject({ status: 200 })
      await a.api('DELETE', `/api-targets/${a.victimId}/credentials/1`)
      for (const putBack of rows) await putBack()
      expect(await call(a.agent.token)).toMatchObject({ status: 200 })
      const entries = await entriesAbout('target_id', a.victimId)
      expect(
        entries
          .filter(({ kind }) => kind !== 'unwrap.intended')
          .slice(-5)
          .map(({ kind, details }) => [kind, details.credentialGeneration ?? details.generation]),
      ).toEqual([
        ['receipt.opened', 1],
        ['target.credential-rotated', 2],
        ['receipt.opened', 2],
        ['target.credential-retired', 1],
        ['receipt.opened', 1],
      ])
    })

    it('is refused when only the credential goes back, or only the target after the older version was retired', async () => {
      const { b, call, surroundings } = besieged
      const credential = `${credentialOf(b.id, 'victim')}-second`
      surroundings.openai.setAcceptedCredentials([credential, credentialOf(b.id, 'victim')])
      const [target, version] = [await keep('targets', b.victimId), await keep('credentials', b.victimId)]
      await b.api('PATCH', `/api-targets/${b.victimId}`, { credential, validate: false })
      await b.api('DELETE', `/api-targets/${b.victimId}/credentials/1`)
      const present = await keep('targets', b.victimId)
      await target()
      expect((await call(b.agent.token)).code).toBe('credential_tampered')
      await present()
      await version()
      // The older version lies there again, and nobody uses it.
      expect(await call(b.agent.token)).toMatchObject({ status: 200 })
      expect(
        (await entriesAbout('target_id', b.victimId)).findLast(({ kind }) => kind === 'receipt.opened')
          .details,
      ).toMatchObject({
        credentialGeneration: 2,
      })
    })
  })

  describe('and gives a suspended KEK the row of its active days', () => {
    it('is refused by the KMS itself, and the KEK is suspended again', async () => {
      const { a, call, surroundings, attacker, providerRequests } = besieged
      const { control } = surroundings.emulator
      const { keyArn } = (await a.api('GET', `/keks/${a.victimKekId}`)).body.access
      const putBack = await keep('keks', a.victimKekId)
      control.setKeyState({ keyId: keyArn, state: 'Disabled' })
      expect((await call(a.agent.token)).code).toBe('kek_revoked')
      const before = providerRequests()

      await attacker.query(
        `UPDATE keks SET state = 'active', state_reason = NULL WHERE id = '${a.victimKekId}'`,
      )
      await attacker.query('UPDATE organisations SET epoch = epoch + 1')
      expect((await call(a.agent.token)).code).toBe('credential_tampered')

      await putBack()
      expect((await call(a.agent.token)).code).toBe('kek_revoked')
      expect((await a.api('GET', `/keks/${a.victimKekId}`)).body.state).toBe('suspended')
      expect(providerRequests()).toBe(before)
      const suspensions = (await entriesAbout('kek_id', a.victimKekId)).filter(
        ({ kind }) => kind === 'kek.suspended',
      )
      expect(suspensions).toHaveLength(2)
      control.setKeyState({ keyId: keyArn, state: 'Enabled' })
      await a.api('POST', `/keks/${a.victimKekId}/verify`)
    })
  })

  describe('and writes the epoch of an organisation back', () => {
    it('is served nothing of that organisation while it stands below one that was seen, and somebody is told', async () => {
      const { b, call, attacker, alarms, providerRequests } = besieged
      expect(await call(b.agent.token)).toMatchObject({ status: 200 })
      const before = [providerRequests(), alarms().length]
      await attacker.query('UPDATE organisations SET epoch = epoch - 1 WHERE id = $1', [b.id])
      expect((await call(b.agent.token)).code).toBe('credential_tampered')
      expect((await call(b.limited.token, 'bystander')).code).toBe('credential_tampered')
      expect(providerRequests()).toBe(before[0])
      expect(alarms().slice(before[1])).toMatchObject([{ table: 'organisations', id: b.id }])
      await attacker.query('UPDATE organisations SET epoch = epoch + 1 WHERE id = $1', [b.id])
      await expect.poll(async () => (await call(b.agent.token)).status).toBe(200)
    })

    it('is served nothing by a virtual key revoked since, also where the revocation reaches an epoch seen before', async () => {
      const { b, call, attacker } = besieged
      const { id, token } = (await b.api('POST', '/virtual-keys', { name: 'aba', targetIds: 'all' })).body
      expect(await call(token)).toMatchObject({ status: 200 })
      await attacker.query('UPDATE organisations SET epoch = epoch - 1 WHERE id = $1', [b.id])
      // Raises the epoch to the very one under which this node knows the key as good.
      await b.api('POST', `/virtual-keys/${id}/revoke`)
      await expect.poll(async () => (await call(token)).code).toBe('virtual_key_revoked')
      for (let i = 0; i < 20; i += 1) expect((await call(token)).code).toBe('virtual_key_revoked')
    })
  })

  it('cannot make the ledger forget by ordinary means', async () => {
    const { attacker } = besieged
    await expect(attacker.query('DELETE FROM ledger_entries')).rejects.toThrow('append-only')
    await expect(attacker.query("UPDATE ledger_entries SET body = '{}'")).rejects.toThrow('append-only')
    await expect(attacker.query('TRUNCATE ledger_entries')).rejects.toThrow('append-only')
  })
})
