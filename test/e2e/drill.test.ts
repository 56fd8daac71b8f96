import { setTimeout as sleep } from 'node:timers/promises'
import { createOrganisation } from '#access/create-organisation.ts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { waitUntil } from '../support/data-dir.ts'
import { createTestDatabase } from '../support/database.ts'
import { setUpLending, startLendingHasp, startSurroundings } from '../support/lending-hasp.ts'
import { runCli, Seen, startTerminal } from '../support/run-cli.ts'
import { callApi, startHasp, urlOf, type AnyJson } from '../support/running-hasp.ts'

let running: Awaited<ReturnType<typeof startLendingHasp>>
beforeAll(async () => {
  running = await startLendingHasp({
    kekRules: { probeIntervalMs: 0 },
    env: { HASP_SUSPENDED_PROBE_INTERVAL_MS: '200' },
  })
})
afterAll(() => running[Symbol.asyncDispose]())

const control = () => running.surroundings.emulator.control
const setState = (state: 'Enabled' | 'Disabled') =>
  control().setKeyState({ keyId: running.surroundings.keyArn, state })
const api = (method: string, path: string, body?: unknown) =>
  running.hasp.api(method, `/keks/${running.lending.kekId}${path}`, body)

async function start(wanted: object = {}): Promise<AnyJson> {
  const { status, body } = await api('POST', '/drills', { canaryIntervalMs: 100, ...wanted })
  expect(status, JSON.stringify(body)).toBe(201)
  return body
}
const read = async ({ id }: { id: string }): Promise<AnyJson> => (await api('GET', `/drills/${id}`)).body
const mark = async ({ id }: { id: string }, body: object) => api('POST', `/drills/${id}/marks`, body)
const until = (drill: { id: string }, isSo: (drill: AnyJson) => boolean) =>
  waitUntil(async () => isSo(await read(drill)))
const drilledEntries = async (): Promise<AnyJson[]> =>
  (await running.hasp.api('GET', '/ledger?kind=kek.drilled&limit=100')).body.items

/** Withdraws, waits for the refusal, gives back, and waits for the end. */
async function drillThrough(
  wanted: object = {},
  withdraw = async () => setState('Disabled'),
): Promise<AnyJson> {
  const drill = await start(wanted)
  await until(drill, ({ measure }) => measure.served > 0)
  await withdraw()
  await mark(drill, { mark: 'withdrawn' })
  await until(drill, ({ measure }) => measure.firstRefusal !== null)
  await mark(drill, { mark: 'restoring' })
  setState('Enabled')
  await mark(drill, { mark: 'restored' })
  await until(drill, ({ state }) => state !== 'running')
  return read(drill)
}

beforeEach(async () => {
  const rules = { unwrapMode: 'strict', cacheCeilingMs: 60_000, cacheUsesMax: 10_000 }
  expect((await api('PATCH', '', rules)).status).toBe(200)
})
afterEach(async () => {
  setState('Enabled')
  await waitUntil(async () => (await api('GET', '')).body.state === 'active')
})

describe('a drill in mode strict', () => {
  it('sees the refusal at once and the KEK come back, and writes both down with the requests of the KMS', async () => {
    control().clearEvents()
    const drill = await drillThrough()
    expect(drill).toMatchObject({
      state: 'finished',
      unwrapMode: 'strict',
      haspMs: 0,
      boundMs: 300_000,
      measure: { heldMsMax: 0, isMarkedLate: false, verdict: 'within' },
    })
    const { lastSuccess, firstRefusal, firstSuccessAgain } = drill.measure
    expect(lastSuccess.afterMs).toBeLessThan(1_000)
    const [entry] = await drilledEntries()
    expect(entry).toMatchObject({
      kekId: running.lending.kekId,
      actor: `drill:${drill.id}`,
      details: { drillId: drill.id, state: 'finished', verdict: 'within', lastSuccess, firstRefusal },
    })
    const requestIds = control()
      .events({ eventName: 'Decrypt' })
      .map((event) => event.requestID)
    for (const call of [lastSuccess, firstRefusal, firstSuccessAgain]) {
      expect(requestIds).toContain(call.kmsRequestId)
    }
  })

  it('has each of its unwraps in the ledger, before and after it, as its own', async () => {
    control().clearEvents()
    const drill = await start()
    await until(drill, ({ measure }) => measure.served >= 5)
    await api('POST', `/drills/${drill.id}/end`)
    await until(drill, ({ state }) => state === 'ended-early')
    const decrypts = control()
      .events({ eventName: 'Decrypt' })
      .map((event) => event.requestID)
    const ofDrill = async (kind: string) => {
      const { body } = await running.hasp.api('GET', `/ledger?kind=${kind}&limit=100`)
      return body.items.filter((entry: AnyJson) => entry.actor === `drill:${drill.id}`)
    }
    await waitUntil(async () => (await ofDrill('unwrap.completed')).length === decrypts.length)
    const completed = await ofDrill('unwrap.completed')
    const requestIds = completed.map((entry: AnyJson) => entry.details.kmsRequestId)
    expect(new Set(requestIds)).toEqual(new Set(decrypts))
    const intended = await ofDrill('unwrap.intended')
    expect(new Set(intended.map((entry: AnyJson) => entry.entryId))).toEqual(
      new Set(completed.map((entry: AnyJson) => entry.details.unwrapId)),
    )
    expect(intended[0].details).toMatchObject({ purpose: 'canary', mode: 'strict' })
    expect(intended[0]).not.toHaveProperty('targetId')
  })
})

describe('a drill in mode cached', () => {
  const ceilingMs = 1_500
  const setCached = () => api('PATCH', '', { unwrapMode: 'cached', cacheCeilingMs: ceilingMs })

  it('goes through the cache: what was unwrapped just before the withdrawal serves up to the ceiling, and no longer', async () => {
    await setCached()
    const drill = await drillThrough({}, async () => {
      control().clearEvents()
      await control().waitForEvent({ eventName: 'Decrypt' })
      setState('Disabled')
    })
    const { heldMsMax, lastSuccess, verdict } = drill.measure
    expect({ verdict, isReused: lastSuccess.isReused }).toEqual({ verdict: 'within', isReused: true })
    expect(heldMsMax).toBeLessThanOrEqual(drill.haspMs)
    expect(lastSuccess.afterMs).toBeLessThanOrEqual(ceilingMs)
    expect(heldMsMax).toBeGreaterThan(ceilingMs / 2)
  })

  it('is exceeded where the bound that was asked for is below the ceiling', async () => {
    await setCached()
    const withdraw = async () => {
      control().clearEvents()
      await control().waitForEvent({ eventName: 'Decrypt' })
      setState('Disabled')
    }
    expect((await drillThrough({ boundMs: 200 }, withdraw)).measure.verdict).toBe('exceeded')
  })
})

describe('a drill', () => {
  it('is one at a time for a KEK, and only of an active one', async () => {
    const drill = await start()
    expect(await api('POST', '/drills', {})).toMatchObject({ status: 409, body: { code: 'drill_under_way' } })
    await api('POST', `/drills/${drill.id}/end`)
    await until(drill, ({ state }) => state === 'ended-early')
    const ended = await mark(drill, { mark: 'withdrawn' })
    expect(ended).toMatchObject({ status: 409, body: { code: 'drill_not_running' } })
    const { body } = await running.hasp.api('POST', '/keks', { name: 'never-verified', provider: 'local' })
    expect(await running.hasp.api('POST', `/keks/${body.id}/drills`, {})).toMatchObject({
      status: 409,
      body: { code: 'kek_not_active' },
    })
  })

  it('refuses marks that are out of order or of the future', async () => {
    const drill = await start()
    const refusals = [
      { mark: 'restored' },
      { mark: 'withdrawn', at: '2000-01-01T00:00:00Z' },
      { mark: 'withdrawn', at: '2999-01-01T00:00:00Z' },
    ]
    for (const body of refusals) {
      expect(await mark(drill, body)).toMatchObject({ status: 422, body: { code: 'drill_mark_invalid' } })
    }
    expect((await mark(drill, { mark: 'neither' })).body.code).toBe('body_invalid')
    await api('POST', `/drills/${drill.id}/end`)
    await until(drill, ({ state }) => state === 'ended-early')
  })

  it('of another organisation is not there: neither to start, nor to read, mark or end', async () => {
    const drill = await start()
    const { database: db, ring } = running.hasp.context
    const made = { name: 'strangers', actor: 'test' }
    const { token } = await createOrganisation({ db, ring, now: () => new Date() }, made)
    const base = `/keks/${running.lending.kekId}/drills`
    const tries = [
      ['POST', base, {}],
      ['GET', `${base}/${drill.id}`, undefined],
      ['POST', `${base}/${drill.id}/marks`, { mark: 'withdrawn' }],
      ['POST', `${base}/${drill.id}/end`, undefined],
    ] as const
    for (const [method, path, body] of tries) {
      expect([path, (await callApi(running.hasp.url, token, method, path, body)).status]).toEqual([path, 404])
    }
    expect((await read(drill)).withdrawnAt).toBeNull()
    await api('POST', `/drills/${drill.id}/end`)
    await until(drill, ({ state }) => state === 'ended-early')
  })

  it('that runs out of time says that nothing was refused', async () => {
    const drill = await start({ durationMs: 10_000 })
    await mark(drill, { mark: 'withdrawn' })
    await until(drill, ({ state }) => state === 'expired')
    expect((await read(drill)).measure).toMatchObject({ firstRefusal: null, verdict: 'unknown' })
  })

  it('ends with its node, and the ledger says that it was interrupted', async () => {
    await using surroundings = await startSurroundings()
    await using database = await createTestDatabase()
    const env = { ...surroundings.env, HASP_ROOT_SECRET: Buffer.alloc(32, 7).toString('base64') }
    const options = { aws: surroundings.aws, databaseUrl: urlOf(database.connection) }
    const node = await startHasp(env, options)
    const { kekId } = await setUpLending(node, surroundings)
    const { body } = await node.api('POST', `/keks/${kekId}/drills`, {})
    await sleep(300)
    await node[Symbol.asyncDispose]()
    const { rows } = await database.db.pool.query(
      "SELECT state, (SELECT count(*) FROM ledger_entries WHERE kind = 'kek.drilled') AS entries FROM kek_drills WHERE id = $1",
      [body.id],
    )
    expect(rows).toEqual([{ state: 'interrupted', entries: '1' }])
  })
})

describe('hasp drill', () => {
  const seen = new Seen()
  const env = () => ({ HASP_URL: running.hasp.url, HASP_TOKEN: running.hasp.token })
  /** A command line that works the emulator's lever, and tells what it could see of its environment. */
  const lever = (state: string) => {
    const { url } = running.surroundings.emulator
    const script = `fetch("${url}/_emulator/set-key-state",{method:"POST",headers:{"content-type":"application/json"},body:JSON.stringify({keyId:process.env.HASP_DRILL_KEK_REF,state:"${state}"})}).then(()=>console.log("token:"+process.env.HASP_TOKEN))`
    return `'${process.execPath}' -e '${script}'`
  }
  const drill = (...more: string[]) =>
    runCli(
      seen,
      ['drill', 'main', '--yes', '--interval', '100ms', '--settle', '1s', '--json', ...more],
      env(),
    )

  it('works the levers that it is given, without the token in their environment, and ends with 0', async () => {
    const { code, stdout, stderr } = await drill(
      '--withdraw-command',
      lever('Disabled'),
      '--restore-command',
      lever('Enabled'),
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'token:undefined\ntoken:undefined\n' })
    expect(JSON.parse(stdout)).toMatchObject({ state: 'finished', measure: { verdict: 'within' } })
  })

  it('asks whoever is at the terminal to confirm, to withdraw and to give back, and tells what came of it', async () => {
    await using terminal = startTerminal(seen, env())
    const type = (text: string) => terminal.child.stdin.write(`${text}\n`)
    type('bin/hasp drill main --interval 100ms --settle 1s; echo "code=$?"')
    await terminal.printed('Continue? [y/N]')
    type('y')
    await terminal.printed('Withdraw the KEK in your cloud now')
    setState('Disabled')
    type('')
    await terminal.printed('Give the KEK back now')
    setState('Enabled')
    type('')
    await terminal.printed('within the bound')
    await expect(terminal.printed('code=0')).resolves.toBeUndefined()
  })

  it('ends with 1 when the bound is exceeded', async () => {
    await api('PATCH', '', { unwrapMode: 'cached', cacheCeilingMs: 3_000 })
    const levers = ['--withdraw-command', lever('Disabled'), '--restore-command', lever('Enabled')]
    const { code, stdout } = await drill('--bound', '1ms', ...levers)
    expect(JSON.parse(stdout).measure.verdict).toBe('exceeded')
    expect(code).toBe(1)
  })

  it('ends the drill when a lever fails, and says that the KEK may be withdrawn', async () => {
    const before = (await drilledEntries()).length
    const failing = ['--withdraw-command', 'exit 3', '--restore-command', 'true']
    const { code, stderr } = await runCli(seen, ['drill', 'main', '--yes', ...failing], env())
    expect(code).toBe(1)
    expect(stderr).toMatch(/exit code 3/)
    expect(stderr).toMatch(/may still be withdrawn/)
    await waitUntil(async () => (await drilledEntries()).length === before + 1)
  })

  it('starts nothing without a confirmation, or without a way to withdraw the KEK', async () => {
    const before = (await running.hasp.api('GET', '/ledger?kind=kek.drill-started&limit=100')).body.items
      .length
    const levers = ['--withdraw-command', 'true', '--restore-command', 'true']
    const unconfirmed = await runCli(seen, ['drill', 'main', ...levers], env())
    expect(unconfirmed).toMatchObject({ code: 2, stderr: expect.stringContaining('confirmation') })
    const leverless = await runCli(seen, ['drill', 'main', '--yes'], env())
    expect(leverless).toMatchObject({ code: 2, stderr: expect.stringContaining('--withdraw-command') })
    const after = (await running.hasp.api('GET', '/ledger?kind=kek.drill-started&limit=100')).body.items
      .length
    expect(after).toBe(before)
  })
})
