import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createTestDatabase } from '../support/database.ts'
import { untilWaiting } from '../support/until-waiting.ts'
import { callApi, startHasp, urlOf, type AnyJson, type RunningHasp } from '../support/running-hasp.ts'

describe('a change with an Idempotency-Key', () => {
  let hasp: RunningHasp
  let now = new Date()
  beforeAll(async () => {
    hasp = await startHasp({}, { now: () => now })
  })
  afterAll(() => hasp[Symbol.asyncDispose]())

  const issue = (idempotencyKey: string, body: unknown = { name: 'x', targetIds: 'all' }) =>
    hasp.api('POST', '/virtual-keys', body, { 'idempotency-key': idempotencyKey })
  const virtualKeys = async (): Promise<AnyJson[]> =>
    (await hasp.api('GET', '/virtual-keys?limit=100')).body.items

  /**
   * What a node leaves behind that is killed at the end of a change, before its commit: PostgreSQL ends its connections,
   * and it does not live to free the key.
   */
  const dieBeforeCommit = async (run: () => Promise<unknown>) => {
    const { pool } = hasp.context.database
    await pool.query(`
      CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW;
      END $$;
      CREATE CONSTRAINT TRIGGER die AFTER UPDATE ON idempotency_records DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION die();
      CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
      CREATE TRIGGER keep BEFORE DELETE ON idempotency_records FOR EACH ROW EXECUTE FUNCTION keep();`)
    await run()
    await pool.query('DROP FUNCTION die CASCADE; DROP FUNCTION keep CASCADE')
  }

  it('is carried out once; a repeat gets the same answer, marked, without the token', async () => {
    const before = (await virtualKeys()).length
    const [first, second] = [await issue('once'), await issue('once')]
    expect([first.status, second.status]).toEqual([201, 201])
    expect(first.body.token).toMatch(/^hasp_vk_/)
    expect(second.body).toEqual({ ...first.body, token: null })
    expect([first, second].map((reply) => reply.headers.get('idempotency-replayed'))).toEqual([null, 'true'])
    expect(await virtualKeys()).toHaveLength(before + 1)
  })

  it('keeps no token in the database', async () => {
    const { token } = (await issue('secret')).body
    const { rows } = await hasp.context.database.pool.query('SELECT * FROM idempotency_records')
    expect(JSON.stringify(rows)).not.toContain(token)
    expect(JSON.stringify(rows)).toContain('secret')
  })

  it('is refused with 422 for any other request under the same key: body, path or method', async () => {
    await issue('reused')
    const headers = { 'idempotency-key': 'reused' }
    const others = [
      await issue('reused', { name: 'y', targetIds: 'all' }),
      await hasp.api('POST', '/admin-tokens', { name: 'x' }, headers),
      await hasp.api('POST', `/virtual-keys/${(await issue('reused')).body.id}/revoke`, undefined, headers),
    ]
    for (const { status, body } of others)
      expect([status, body.code]).toEqual([422, 'idempotency_key_reused'])
  })

  it('leaves the key free when it fails', async () => {
    const nobody = { name: 'x', targetIds: ['019a0000-0000-7000-8000-000000000000'] }
    expect((await issue('failed', nobody)).status).toBe(422)
    expect((await issue('failed')).status).toBe(201)
  })

  it('is carried out once when it comes many times at once; the others hear that it is under way, or its answer', async () => {
    const before = (await virtualKeys()).length
    const replies = await Promise.all(Array.from({ length: 20 }, () => issue('at-once')))
    const statuses = new Set(replies.map((reply) => reply.status))
    expect(statuses.isSubsetOf(new Set([201, 409]))).toBe(true)
    expect(replies.filter((reply) => reply.status === 201 && reply.body.token !== null)).toHaveLength(1)
    for (const { status, body, headers } of replies)
      if (status === 409)
        expect([body.code, headers.get('retry-after')]).toEqual(['idempotency_in_progress', '1'])
    expect(await virtualKeys()).toHaveLength(before + 1)
  })

  it('hears 409 while the first is under way, and may be tried again when that one died', async () => {
    const before = (await virtualKeys()).length
    await dieBeforeCommit(() => issue('died'))
    expect(await virtualKeys()).toHaveLength(before)
    expect((await issue('died')).body.code).toBe('idempotency_in_progress')
    now = new Date(now.getTime() + 61_000)
    expect((await issue('died')).status).toBe(201)
    expect((await issue('died')).headers.get('idempotency-replayed')).toBe('true')
    expect(await virtualKeys()).toHaveLength(before + 1)
  })

  it('was carried out, and gets its answer again, when only the database’s answer to the commit was lost', async () => {
    const { database } = hasp.context
    const before = (await virtualKeys()).length
    const lost = vi.spyOn(database, 'transaction').mockImplementationOnce(async (work) => {
      await database.kysely.transaction().execute(work)
      throw Object.assign(new Error('Connection terminated unexpectedly'), { code: '08006' })
    })
    expect((await issue('lost')).status).toBeGreaterThanOrEqual(500)
    expect(lost).toHaveBeenCalledOnce()
    lost.mockRestore()
    const again = await issue('lost')
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true'])
    expect(again.body).toMatchObject({ name: 'x', token: null })
    expect(await virtualKeys()).toHaveLength(before + 1)
  })

  it('is undone where it is so slow that another attempt took over: one of them changes something', async () => {
    const { database } = hasp.context
    const before = (await virtualKeys()).length
    const held = Promise.withResolvers<void>()
    const isHeld = Promise.withResolvers<void>()
    const holding = database.transaction(async (trx) => {
      await trx.selectFrom('organisations').select('id').where('id', '=', hasp.orgId).forUpdate().execute()
      isHeld.resolve()
      await held.promise
    })
    await isHeld.promise
    const slow = issue('overtaken')
    await untilWaiting(database, 1)
    now = new Date(now.getTime() + 61_000)
    const next = issue('overtaken')
    await untilWaiting(database, 2)
    held.resolve()
    await holding
    const replies = [await slow, await next]
    expect(replies.map((reply) => reply.status)).toEqual([409, 201])
    expect(replies[0]?.body.code).toBe('idempotency_in_progress')
    expect(await virtualKeys()).toHaveLength(before + 1)
    expect((await issue('overtaken')).body.id).toBe(replies[1]?.body.id)
  })

  it('is not answered from a record that was edited in the database', async () => {
    const { body } = await issue('edited')
    await hasp.context.database.pool.query(
      `UPDATE idempotency_records SET body = replace(body, $1, '019a0000-0000-7000-8000-000000000000') WHERE idempotency_key = 'edited'`,
      [body.id],
    )
    const again = await issue('edited')
    expect([again.status, again.body.code]).toEqual([500, 'row_tampered'])
    expect(again.body.detail).toContain('take a new Idempotency-Key')
    expect(hasp.logLines.some((line) => line.includes('idempotency_records'))).toBe(true)
  })

  it('is carried out again without the header', async () => {
    const body = { name: 'x', targetIds: 'all' }
    const [first, second] = [
      await hasp.api('POST', '/virtual-keys', body),
      await hasp.api('POST', '/virtual-keys', body),
    ]
    expect(first.body.id).not.toBe(second.body.id)
  })

  it('repeats an answer without a body too', async () => {
    const { body: kek } = await hasp.api('POST', '/keks', { name: 'k', provider: 'local' })
    await hasp.api('POST', `/keks/${kek.id}/verify`)
    const target = await hasp.api('POST', '/api-targets', {
      name: 't',
      provider: 'openai',
      kekId: kek.id,
      credential: 'sk-0123456789',
      validate: false,
    })
    const erase = () =>
      hasp.api('DELETE', `/api-targets/${target.body.id}`, undefined, { 'idempotency-key': 'erase' })
    expect([(await erase()).status, (await erase()).status]).toEqual([204, 204])
    expect((await hasp.api('DELETE', `/api-targets/${target.body.id}`)).status).toBe(404)
  })

  it('tells two credentials apart, though it stores neither', async () => {
    const { body: kek } = await hasp.api('POST', '/keks', { name: 'k2', provider: 'local' })
    await hasp.api('POST', `/keks/${kek.id}/verify`)
    const store = (credential: string) =>
      hasp.api(
        'POST',
        '/api-targets',
        { name: 't2', provider: 'openai', kekId: kek.id, credential, validate: false },
        { 'idempotency-key': 'store' },
      )
    expect((await store('sk-0123456789-a')).status).toBe(201)
    expect((await store('sk-0123456789-a')).headers.get('idempotency-replayed')).toBe('true')
    expect((await store('sk-0123456789-b')).body.code).toBe('idempotency_key_reused')
  })
})

describe('a change that is repeated after the root secret was replaced', () => {
  it('gets its first answer again, and another request under its key is still told apart', async () => {
    await using database = await createTestDatabase()
    const databaseUrl = urlOf(database.connection)
    const [former, current] = [randomBytes(48).toString('base64'), randomBytes(48).toString('base64')]
    const issue = (hasp: RunningHasp, token: string, name: string) =>
      callApi(
        hasp.url,
        token,
        'POST',
        '/virtual-keys',
        { name, targetIds: 'all' },
        { 'idempotency-key': 'k' },
      )
    const before = await startHasp({ HASP_ROOT_SECRET: former }, { databaseUrl })
    const { token } = before
    const first = await issue(before, token, 'x')
    await before[Symbol.asyncDispose]()
    await using after = await startHasp(
      { HASP_ROOT_SECRET: current, HASP_ROOT_SECRET_PREVIOUS: former },
      { databaseUrl },
    )
    const again = await issue(after, token, 'x')
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true'])
    expect(again.body).toEqual({ ...first.body, token: null })
    expect((await issue(after, token, 'y')).body.code).toBe('idempotency_key_reused')
  })
})
