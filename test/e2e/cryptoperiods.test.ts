import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createOrganisation } from '#access/create-organisation.ts'
import { waitUntil } from '../support/data-dir.ts'
import { runCli, Seen } from '../support/run-cli.ts'
import { callApi, startHasp, type AnyJson, type RunningHasp } from '../support/running-hasp.ts'

const dayMs = 86_400_000
const clock = { nowMs: Date.now() }
const passDays = (days: number) => (clock.nowMs += days * dayMs)
const agesOf = async (kekId: string): Promise<AnyJson> => (await periodOf(kekId)).ages

let hasp: RunningHasp
beforeAll(async () => {
  hasp = await startHasp({}, { now: () => new Date(clock.nowMs) })
})
afterAll(() => hasp[Symbol.asyncDispose]())

const ok = async (method: string, path: string, body?: unknown): Promise<AnyJson> => {
  const reply = await hasp.api(method, path, body)
  expect(reply.status, JSON.stringify(reply.body)).toBeLessThan(300)
  return reply.body
}
const newKek = async (name: string, rules: object) => {
  const { id } = await ok('POST', '/keks', { name, provider: 'local', ...rules })
  expect((await ok('POST', `/keks/${id}/verify`)).isPassed).toBe(true)
  return String(id)
}
const newTarget = async (name: string, kekId: string) => {
  const target = {
    name,
    provider: 'openai',
    kekId,
    credential: `sk-of-${name.replaceAll(' ', '-')}-1`,
    validate: false,
  }
  return String((await ok('POST', '/api-targets', target)).id)
}
const rotate = (id: string) =>
  ok('PATCH', `/api-targets/${id}`, { credential: `sk-of-${id}-2`, validate: false })
const periodOf = (kekId: string) => ok('GET', `/cryptoperiods/${kekId}`)
const dueUnder = async (kekId: string): Promise<AnyJson[]> =>
  (await ok('GET', `/cryptoperiods/${kekId}/records`)).items
const whatIsDue = async (kekId: string): Promise<[string, string[]][]> =>
  (await dueUnder(kekId)).map(({ name, due }) => [name, due.map((item: AnyJson) => item.what)])
const carryOut = async (job: object) => {
  const { id } = await ok('POST', '/lifecycle-jobs', job)
  await waitUntil(async () => (await ok('GET', `/lifecycle-jobs/${id}`)).endedAt !== null)
  expect(await ok('GET', `/lifecycle-jobs/${id}`)).toMatchObject({ state: 'finished', recordsFailed: 0 })
}
const at = (ms: number) => new Date(ms).toISOString()

describe('a KEK with limits for the age of wraps, DEKs and credentials', () => {
  it('has each fall due in its last tenth, and overdue at its end', async () => {
    const kekId = await newKek('dates', { wrapAgeDaysMax: 10, dekAgeDaysMax: 20, credentialAgeDaysMax: 40 })
    const startMs = clock.nowMs
    await newTarget('dated', kekId)
    expect(await periodOf(kekId)).toMatchObject({
      state: 'in-period',
      ages: {
        wrap: { daysMax: 10, total: 1, due: 0, overdue: 0, oldestSince: at(startMs) },
        dek: { daysMax: 20, total: 1, due: 0, overdue: 0, oldestSince: at(startMs) },
        credential: { daysMax: 40, total: 1, due: 0, overdue: 0, oldestSince: at(startMs) },
      },
      remedies: [],
    })
    clock.nowMs = startMs + 9 * dayMs - 1
    expect(await dueUnder(kekId)).toEqual([])
    clock.nowMs = startMs + 9 * dayMs
    expect(await periodOf(kekId)).toMatchObject({ state: 'due', remedies: ['rewrap'] })
    expect(await dueUnder(kekId)).toEqual([
      {
        targetId: expect.any(String),
        name: 'dated',
        due: [
          {
            what: 'wrap',
            since: at(startMs),
            dueAt: at(startMs + 9 * dayMs),
            overdueAt: at(startMs + 10 * dayMs),
            isOverdue: false,
            remedy: 'rewrap',
          },
        ],
      },
    ])
    clock.nowMs = startMs + 10 * dayMs - 1
    expect(await periodOf(kekId)).toMatchObject({ state: 'due', ages: { wrap: { due: 1, overdue: 0 } } })
    clock.nowMs = startMs + 10 * dayMs
    expect(await periodOf(kekId)).toMatchObject({ state: 'overdue', ages: { wrap: { due: 0, overdue: 1 } } })
    clock.nowMs = startMs + 36 * dayMs
    const [{ due }] = await dueUnder(kekId)
    expect(due).toMatchObject([
      { what: 'wrap', isOverdue: true, remedy: 'rewrap' },
      { what: 'dek', isOverdue: true, overdueAt: at(startMs + 20 * dayMs), remedy: 're-encrypt' },
      { what: 'credential', isOverdue: false, overdueAt: at(startMs + 40 * dayMs), remedy: 'rotate' },
    ])
    expect(await periodOf(kekId)).toMatchObject({ state: 'overdue', remedies: ['re-encrypt', 'rotate'] })
  })

  it('sees a rewrap renew wraps, a re-encryption DEKs as well, and a rotation alone the credential', async () => {
    const kekId = await newKek('renewed', { wrapAgeDaysMax: 1, dekAgeDaysMax: 1, credentialAgeDaysMax: 1 })
    const targetId = await newTarget('renewed', kekId)
    passDays(5)
    expect(await whatIsDue(kekId)).toEqual([['renewed', ['wrap', 'dek', 'credential']]])
    await carryOut({ kind: 'rewrap', fromKekId: kekId })
    expect(await whatIsDue(kekId)).toEqual([['renewed', ['dek', 'credential']]])
    await carryOut({ kind: 're-encrypt', fromKekId: kekId })
    expect(await whatIsDue(kekId)).toEqual([['renewed', ['credential']]])
    passDays(5)
    await carryOut({ kind: 're-encrypt', targetId })
    expect(await whatIsDue(kekId)).toEqual([['renewed', ['credential']]])
    await rotate(targetId)
    expect(await whatIsDue(kekId)).toEqual([])
    expect(await periodOf(kekId)).toMatchObject({ state: 'in-period', remedies: [] })
  })

  it('counts the credential in use only, and the wraps and DEKs of former versions too', async () => {
    const kekId = await newKek('versions', { dekAgeDaysMax: 10, credentialAgeDaysMax: 10 })
    const targetId = await newTarget('versions', kekId)
    passDays(11)
    await rotate(targetId)
    expect(await agesOf(kekId)).toMatchObject({
      wrap: { daysMax: null, total: 2 },
      dek: { total: 2, overdue: 1 },
      credential: { total: 1, overdue: 0, oldestSince: at(clock.nowMs) },
    })
    expect(await whatIsDue(kekId)).toEqual([['versions', ['dek']]])
    await ok('DELETE', `/api-targets/${targetId}/credentials/1`)
    expect(await whatIsDue(kekId)).toEqual([])
  })

  it('takes the ages along in a move, where the limits of the KEK that they come under count', async () => {
    const fromKekId = await newKek('strict', { wrapAgeDaysMax: 1, dekAgeDaysMax: 1, credentialAgeDaysMax: 1 })
    const toKekId = await newKek('lax', { wrapAgeDaysMax: 1, dekAgeDaysMax: 4, credentialAgeDaysMax: 100 })
    await newTarget('moved', fromKekId)
    passDays(5)
    await carryOut({ kind: 'move', fromKekId, toKekId })
    expect(await periodOf(fromKekId)).toMatchObject({ state: 'in-period', ages: { wrap: { total: 0 } } })
    expect(await whatIsDue(toKekId)).toEqual([['moved', ['dek']]])
  })
})

describe('a KEK that has wrapped as much as it may', () => {
  it('is to be left for another, not rewrapped, and is done with once it is retired', async () => {
    const kekId = await newKek('spent', { wrapAgeDaysMax: 1, wrapsMax: 3 })
    const otherId = await newKek('fresh', {})
    await newTarget('under spent', kekId)
    passDays(2)
    expect(await periodOf(kekId)).toMatchObject({ state: 'overdue', wraps: 3, remedies: ['move'] })
    await ok('PATCH', `/keks/${kekId}`, { dekAgeDaysMax: 1 })
    expect((await periodOf(kekId)).remedies).toEqual(['move', 're-encrypt'])
    await carryOut({ kind: 'move', fromKekId: kekId, toKekId: otherId })
    expect(await periodOf(kekId)).toMatchObject({ state: 'overdue', remedies: ['retire'] })
    await ok('POST', `/keks/${kekId}/retire`)
    expect(await periodOf(kekId)).toMatchObject({ kekState: 'deactivated', state: 'in-period', remedies: [] })
  })
})

describe('the limits', () => {
  it('are none unless they are set, are taken away with null, and stand in the ledger', async () => {
    const kekId = await newKek('plain', {})
    const none = { wrapAgeDaysMax: null, dekAgeDaysMax: null, credentialAgeDaysMax: null, wrapsMax: null }
    expect(await ok('GET', `/keks/${kekId}`)).toMatchObject(none)
    await newTarget('plain', kekId)
    passDays(30_000)
    expect(await periodOf(kekId)).toMatchObject({ state: 'unlimited', remedies: [] })
    expect(await dueUnder(kekId)).toEqual([])
    const some = { dekAgeDaysMax: 36_500, credentialAgeDaysMax: 1 }
    expect(await ok('PATCH', `/keks/${kekId}`, some)).toMatchObject({ ...none, ...some })
    expect(await whatIsDue(kekId)).toEqual([['plain', ['credential']]])
    await ok('PATCH', `/keks/${kekId}`, { credentialAgeDaysMax: null })
    expect(await periodOf(kekId)).toMatchObject({ state: 'in-period', remedies: [] })
    const { items } = await ok('GET', `/ledger?kekId=${kekId}&limit=100`)
    const detailsOf = (kind: string) =>
      items.filter((entry: AnyJson) => entry.kind === kind).map((entry: AnyJson) => entry.details)
    expect(detailsOf('kek.registered')).toMatchObject([none])
    expect(detailsOf('kek.updated')).toEqual(expect.arrayContaining([some, { credentialAgeDaysMax: null }]))
  })

  it.each(['wrapAgeDaysMax', 'dekAgeDaysMax', 'credentialAgeDaysMax'])(
    'refuse a %s that is not from 1 to 36500 whole days, and say so',
    async (rule) => {
      const kekId = await newKek(`bad ${rule}`, {})
      for (const bad of [0, -1, 1.5, 36_501, '10', 'none']) {
        const { status, body } = await hasp.api('PATCH', `/keks/${kekId}`, { [rule]: bad })
        expect([bad, status]).toEqual([bad, 400])
        expect(JSON.stringify(body)).toContain(rule)
      }
      expect((await ok('GET', `/keks/${kekId}`))[rule]).toBeNull()
    },
  )

  it('refuse a wrapsMax that is not a whole number from 1', async () => {
    const kekId = await newKek('bad wrapsMax', {})
    for (const bad of [0, 1.5, 2 ** 31]) {
      expect((await hasp.api('PATCH', `/keks/${kekId}`, { wrapsMax: bad })).status).toBe(400)
    }
  })

  it('are under the mac of the KEK: one that was edited in the database is not believed', async () => {
    const kekId = await newKek('edited', { credentialAgeDaysMax: 1 })
    const { pool } = hasp.context.database
    await pool.query('UPDATE keks SET credential_age_days_max = 36500 WHERE id = $1', [kekId])
    expect((await hasp.api('GET', `/cryptoperiods/${kekId}`)).status).toBe(500)
    const { tampered } = await ok('GET', '/cryptoperiods?limit=100')
    expect(tampered).toEqual([{ id: kekId }])
    await pool.query('UPDATE keks SET credential_age_days_max = 1 WHERE id = $1', [kekId])
    expect(await periodOf(kekId)).toMatchObject({ kekId })
  })

  it('are shown to no other organisation', async () => {
    const kekId = await newKek('ours', { credentialAgeDaysMax: 1 })
    await newTarget('ours', kekId)
    passDays(2)
    expect(await whatIsDue(kekId)).toEqual([['ours', ['credential']]])
    const { database: db, ring } = hasp.context
    const now = () => new Date(clock.nowMs)
    const { token } = await createOrganisation({ db, ring, now }, { name: 'others', actor: 'operator' })
    const asOthers = (path: string) => callApi(hasp.url, token, 'GET', path)
    expect(await asOthers('/cryptoperiods')).toMatchObject({ status: 200, body: { items: [], tampered: [] } })
    for (const path of [`/cryptoperiods/${kekId}`, `/cryptoperiods/${kekId}/records`]) {
      expect(await asOthers(path)).toMatchObject({ status: 404, body: { code: 'kek_not_found' } })
    }
  })
})

describe('hasp kek due', () => {
  const cli = (...argv: string[]) => runCli(new Seen(), argv, { HASP_URL: hasp.url, HASP_TOKEN: hasp.token })

  it('shows what of each target is due, and commands that renew it as they stand', async () => {
    const rules = { wrapAgeDaysMax: 10, dekAgeDaysMax: 20, credentialAgeDaysMax: 10 }
    const kekId = await newKek("Bob's KEK", rules)
    await newTarget('the old one', kekId)
    passDays(9.5)
    const { code, stdout } = await cli('kek', 'due', "Bob's KEK")
    expect(code).toBe(0)
    expect(stdout).toMatch(/^State +due$/m)
    expect(stdout).toMatch(/^Wraps +1 due \(1, the oldest from .*Z; at most 10 days old\)$/m)
    expect(stdout).toMatch(/^DEKs +in period \(1, /m)
    expect(stdout).toMatch(/^TARGET +DUE +STATE +OVERDUE FROM/m)
    expect(stdout).toMatch(/^the old one +wrap +due +\d/m)
    expect(stdout).toMatch(/^the old one +credential +due +\d/m)
    expect(stdout).not.toMatch(/^the old one +DEK/m)
    expect(stdout).toMatch(/^ {2}bin\/hasp kek rewrap 'Bob'\\''s KEK' +#/m)
    expect(stdout).toMatch(/^ {2}bin\/hasp target rotate 'the old one' +#/m)
    passDays(15)
    const later = (await cli('kek', 'due', "Bob's KEK")).stdout
    expect(later).toMatch(/^the old one +DEK +overdue/m)
    expect(later).toMatch(/^ {2}bin\/hasp kek re-encrypt 'Bob'\\''s KEK' +#/m)
    expect(later).not.toContain('kek rewrap')
  })

  it('shows every KEK, the commands for those with something due, and one value to machines', async () => {
    const kekId = await newKek('by-kek', { credentialAgeDaysMax: 1 })
    await newTarget('by-kek', kekId)
    passDays(2)
    const all = (await cli('kek', 'due', '--limit', '1000')).stdout
    expect(all).toMatch(/^by-kek +overdue +— +— +1 overdue +3$/m)
    expect(all).toMatch(/^ {2}bin\/hasp kek due by-kek +# which credentials to rotate$/m)
    const { stdout } = await cli('kek', 'due', 'by-kek', '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      cryptoperiod: { kekId, state: 'overdue', remedies: ['rotate'] },
      items: [{ name: 'by-kek', due: [{ what: 'credential', isOverdue: true, remedy: 'rotate' }] }],
      nextCursor: null,
    })
  })
})

describe('the list of what is due', () => {
  it('shows each target once over its pages, whatever is renewed meanwhile', async () => {
    const kekId = await newKek('paged', { dekAgeDaysMax: 1, credentialAgeDaysMax: 1 })
    const ids: string[] = []
    for (let i = 0; i < 9; i += 1) ids.push(await newTarget(`paged ${i}`, kekId))
    await rotate(ids[4] ?? '')
    passDays(2)
    const seen: string[] = []
    let cursor: string | null = ''
    do {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`
      const page: AnyJson = await ok('GET', `/cryptoperiods/${kekId}/records?limit=2${query}`)
      seen.push(...page.items.map((item: AnyJson) => item.targetId))
      cursor = page.nextCursor
      // One that was shown already is renewed, and one that was not: neither moves the others.
      if (seen.length === 2) for (const id of [seen[0] ?? '', ids[6] ?? '']) await renew(id)
    } while (cursor !== null)
    expect(seen).toEqual(ids.filter((id) => id !== ids[6]).toSorted())
  })

  async function renew(targetId: string): Promise<void> {
    await rotate(targetId)
    await carryOut({ kind: 're-encrypt', targetId })
  }
})
