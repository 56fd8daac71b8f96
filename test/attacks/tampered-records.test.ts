import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startHasp, type AnyJson, type RunningHasp } from '../support/running-hasp.ts'

describe('managing an organisation in whose database a row was edited', () => {
  let hasp: RunningHasp
  let kekId: string
  let targetId: string
  let virtualKey: { id: string; token: string }
  let spareTokenId: string
  beforeEach(async () => {
    hasp = await startHasp()
    const made = async (path: string, body: unknown) => {
      const reply = await hasp.api('POST', path, body)
      expect(reply.status).toBe(201)
      return reply.body
    }
    kekId = (await made('/keks', { name: 'kek', provider: 'local' })).id
    expect((await hasp.api('POST', `/keks/${kekId}/verify`)).body.isPassed).toBe(true)
    await made('/keks', { name: 'other kek', provider: 'local' })
    targetId = (await storeTarget('target')).body.id
    await storeTarget('other target')
    virtualKey = await made('/virtual-keys', { name: 'agent', targetIds: [targetId] })
    await made('/virtual-keys', { name: 'other agent', targetIds: 'all' })
    spareTokenId = (await made('/admin-tokens', { name: 'spare' })).id
  })
  afterEach(() => hasp[Symbol.asyncDispose]())

  const storeTarget = (name: string) =>
    hasp.api('POST', '/api-targets', {
      name,
      provider: 'openai',
      kekId,
      credential: 'sk-0123456789-abcdef',
      validate: false,
    })
  const edit = async (table: string, id: string, column = 'mac', value = "'\\x00'") => {
    const { rowCount } = await hasp.context.database.pool.query(
      `UPDATE ${table} SET ${column} = ${value} WHERE id = $1`,
      [id],
    )
    expect(rowCount).toBe(1)
  }
  const records = () =>
    [
      { table: 'keks', path: '/keks', id: kekId, others: ['other kek'] },
      { table: 'targets', path: '/api-targets', id: targetId, others: ['other target'] },
      { table: 'virtual_keys', path: '/virtual-keys', id: virtualKey.id, others: ['other agent'] },
      { table: 'admin_tokens', path: '/admin-tokens', id: spareTokenId, others: ['first'] },
    ] as const
  const alarms = () =>
    hasp.logLines.map((line): AnyJson => JSON.parse(line)).filter((line) => line.level === 'error')
  const ledgerOf = async (kind: string) => (await hasp.api('GET', `/ledger?kind=${kind}`)).body.items

  it('lists what is genuine, names what is not, and raises the alarm', async () => {
    for (const { table, path, id, others } of records()) {
      expect((await hasp.api('GET', path)).body.tampered).toEqual([])
      await edit(table, id)
      const { status, body } = await hasp.api('GET', path)
      expect([status, body.tampered]).toEqual([200, [{ id }]])
      expect(body.items.map((item: AnyJson) => item.name)).toEqual(others)
      expect(alarms().at(-1)).toMatchObject({ table, id, orgId: hasp.orgId })
    }
  })

  it.each([
    ['created_at', `'infinity'`],
    ['name', `'x'`],
    ['org_id', 'org_id'],
  ])('pages over it as over any other: %s', async (column, value) => {
    await edit('targets', targetId, column, value)
    if (value === 'org_id') await edit('targets', targetId)
    const first = (await hasp.api('GET', '/api-targets?limit=1')).body
    expect([first.items, first.tampered]).toEqual([[], [{ id: targetId }]])
    const second = (await hasp.api('GET', `/api-targets?limit=1&cursor=${first.nextCursor}`)).body
    expect(second.items.map((item: AnyJson) => item.name)).toEqual(['other target'])
    expect([second.tampered, second.nextCursor]).toEqual([[], null])
  })

  it('says of it, asked for by its id, that it was tampered with, and what to do', async () => {
    const advice: Record<string, string> = {
      keks: 'register it anew',
      targets: 'Delete the target and store it again',
      virtual_keys: 'Revoke this virtual key',
    }
    for (const { table, path, id } of records()) {
      await edit(table, id)
      if (table === 'admin_tokens') continue
      const { status, body } = await hasp.api('GET', `${path}/${id}`)
      expect([status, body.code]).toEqual([500, 'row_tampered'])
      expect(body.detail).toContain(advice[table])
    }
  })

  it('deletes a target of which nothing is trusted', async () => {
    await edit('targets', targetId, 'name', `'forged'`)
    expect((await hasp.api('DELETE', `/api-targets/${targetId}`)).status).toBe(204)
    expect((await hasp.api('GET', '/api-targets')).body.tampered).toEqual([])
    const [deleted] = await ledgerOf('target.deleted')
    expect(deleted).toMatchObject({ targetId, details: { isTampered: true } })
    expect(JSON.stringify(deleted)).not.toContain('forged')
    expect((await storeTarget('target')).status).toBe(201)
  })

  it('revokes a virtual key of which nothing is trusted, for good', async () => {
    await edit('virtual_keys', virtualKey.id, 'target_ids', `'{}'`)
    await edit('virtual_keys', virtualKey.id, 'name', `'forged'`)
    const { status, body } = await hasp.api('POST', `/virtual-keys/${virtualKey.id}/revoke`)
    expect([status, body.id, body.status]).toEqual([200, virtualKey.id, 'revoked'])
    const listed = (await hasp.api('GET', '/virtual-keys')).body
    expect(listed.tampered).toEqual([])
    expect(listed.items).toContainEqual(
      expect.objectContaining({
        id: virtualKey.id,
        name: `tampered-${virtualKey.id}`,
        status: 'revoked',
      }),
    )
    expect(JSON.stringify(listed)).not.toContain('forged')
    const call = await fetch(`${hasp.url}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${virtualKey.token}`, 'content-type': 'application/json' },
      body: '{"model":"gpt-5","messages":[]}',
    })
    const refused: AnyJson = await call.json()
    expect([call.status, refused.error.code]).toEqual([401, 'virtual_key_revoked'])
    expect(await ledgerOf('virtual-key.revoked')).toMatchObject([
      { virtualKeyId: virtualKey.id, details: { isTampered: true } },
    ])
  })

  it('revokes an admin token of which nothing is trusted; it does not count as usable', async () => {
    await edit('admin_tokens', spareTokenId, 'expires_at', `'infinity'`)
    await edit('admin_tokens', spareTokenId, 'name', `'forged'`)
    const own = (await hasp.api('GET', '/admin-tokens')).body.items[0]
    const last = await hasp.api('POST', `/admin-tokens/${own.id}/revoke`)
    expect([last.status, last.body.code]).toEqual([409, 'admin_token_last'])
    const { status, body } = await hasp.api('POST', `/admin-tokens/${spareTokenId}/revoke`)
    expect([status, body.id, body.name]).toEqual([200, spareTokenId, `tampered-${spareTokenId}`])
    expect(body.revokedAt).not.toBeNull()
    const listed = (await hasp.api('GET', '/admin-tokens')).body
    expect(listed.tampered).toEqual([])
    expect(JSON.stringify(listed)).not.toContain('forged')
    expect((await hasp.api('POST', `/admin-tokens/${spareTokenId}/revoke`)).status).toBe(404)
  })

  it('retires a KEK of which nothing is trusted, once nothing is sealed under it', async () => {
    await edit('keks', kekId, 'unwrap_mode', `'cached'`)
    await edit('keks', kekId, 'name', `'forged'`)
    await edit('targets', targetId, 'name', `'forged'`)
    const retire = () => hasp.api('POST', `/keks/${kekId}/retire`)
    const { body: refusal } = await retire()
    expect(refusal.code).toBe('kek_in_use')
    expect(refusal.detail).toContain(`of 2 targets (${targetId}, other target).`)
    expect(refusal.detail).toMatch(/nothing can be moved from it: delete the targets/)
    const { items, tampered } = (await hasp.api('GET', '/api-targets')).body
    for (const { id } of [...items, ...tampered])
      expect((await hasp.api('DELETE', `/api-targets/${id}`)).status).toBe(204)
    const { status, body } = await retire()
    expect([status, body.state, body.stateReason]).toEqual([200, 'deactivated', 'row-tampered'])
    expect(body.name).toBe(`tampered-${kekId}`)
    const listed = (await hasp.api('GET', '/keks')).body
    expect(listed.tampered).toEqual([])
    const [retired] = await ledgerOf('kek.retired')
    expect(retired).toMatchObject({ kekId, details: { isTampered: true } })
    expect(JSON.stringify([refusal, body, listed, retired])).not.toContain('forged')
    expect(hasp.logLines.join('')).not.toContain('forged')
    expect((await hasp.api('POST', `/keks/${kekId}/verify`)).status).toBe(409)
  })

  it('shows which version of a credential was edited, beside what is genuine, and takes a new one', async () => {
    await hasp.context.database.pool.query(`UPDATE credentials SET preview = 'x' WHERE target_id = $1`, [
      targetId,
    ])
    const read = async () => (await hasp.api('GET', `/api-targets/${targetId}`)).body
    expect(await read()).toMatchObject({ tamperedGenerations: [1], credentials: [], keyPreview: '••••' })
    expect(alarms().at(-1)).toMatchObject({ table: 'credentials', id: targetId })
    const listed = (await hasp.api('GET', '/api-targets')).body.items
    expect(listed.map((item: AnyJson) => item.tamperedGenerations)).toEqual([[1], []])
    const rotation = { credential: 'sk-9876543210-abcdef', validate: false }
    expect((await hasp.api('PATCH', `/api-targets/${targetId}`, rotation)).status).toBe(200)
    expect((await hasp.api('DELETE', `/api-targets/${targetId}/credentials/1`)).status).toBe(204)
    expect(await read()).toMatchObject({ tamperedGenerations: [], credentials: [{ generation: 2 }] })
  })
})
