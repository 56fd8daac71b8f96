import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { dumpDatabase } from '../support/dump-database.ts'
import { runCli, Seen } from '../support/run-cli.ts'
import { startSurroundings, type Surroundings } from '../support/lending-hasp.ts'
import { startHasp, urlOf, type AnyJson, type RunningHasp } from '../support/running-hasp.ts'

describe('onboarding', () => {
  let database: TestDatabase
  let surroundings: Surroundings
  let hasp: RunningHasp
  let kek: AnyJson
  let nowMs = Date.now()
  const widen = (Action: string) => {
    const statement = { Effect: 'Allow', Action, Resource: surroundings.keyArn }
    surroundings.grant(kek.access.externalId, hasp.orgId)
    const policies = [{ Version: '2012-10-17', Statement: [...printedPermissions(), statement] }]
    surroundings.emulator.control.putPolicies({ principalArn: surroundings.roleArn, policies })
  }
  const printedPermissions = (): object[] =>
    JSON.parse(kek.grant.documents.find((one: AnyJson) => one.title.startsWith('Permissions')).body).Statement
  const verify = async () => (await hasp.api('POST', `/keks/${kek.id}/verify`)).body
  /** Exactly what Hasp asked for, proven. */
  const grantAndVerify = async () => {
    surroundings.grant(kek.access.externalId, hasp.orgId)
    expect((await verify()).verdict).toBe('least')
  }
  const shown = async () => (await hasp.api('GET', `/keks/${kek.id}`)).body
  const entries = async (kinds: string) =>
    (await hasp.api('GET', `/ledger?limit=100`)).body.items.filter((one: AnyJson) =>
      one.kind.startsWith(kinds),
    )

  beforeAll(async () => {
    database = await createTestDatabase()
    surroundings = await startSurroundings()
    hasp = await startHasp(
      { ...surroundings.env, HASP_REVERIFY_INTERVAL_MS: '3600000' },
      { aws: surroundings.aws, now: () => new Date(nowMs), databaseUrl: urlOf(database.connection) },
    )
    const { keyArn, roleArn } = surroundings
    kek = (await hasp.api('POST', '/keks', { name: 'prod', provider: 'aws', keyArn, roleArn })).body
  })
  afterAll(async () => {
    await hasp[Symbol.asyncDispose]()
    await surroundings[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  })

  it('answers a registration with the same grant in three forms, filled in', () => {
    const { documents, terraform, cli, logCheck } = kek.grant
    expect(documents).toHaveLength(3)
    for (const form of [JSON.stringify(documents), terraform.body, cli.body]) {
      expect(form).toContain(kek.access.externalId)
      expect(form).toContain(hasp.orgId)
    }
    expect(logCheck.command).toMatch(/^aws cloudtrail lookup-events .* --max-results 5$/)
    expect(logCheck.note).toContain('within 15 minutes')
  })

  it('does not activate a grant that anybody could come in by, and says what to change', async () => {
    const { control } = surroundings.emulator
    surroundings.grant(kek.access.externalId, hasp.orgId)
    const trust = JSON.parse(kek.grant.documents[0].body)
    control.putTrustPolicy({
      roleArn: surroundings.roleArn,
      trustPolicy: { ...trust, Statement: trust.Statement.map((one: object) => ({ ...one, Condition: {} })) },
    })
    const { isPassed, verdict, findings, grant, kek: after } = await verify()
    expect({ isPassed, verdict, state: after.state }).toEqual({
      isPassed: false,
      verdict: 'dangerous',
      state: 'pre-activation',
    })
    expect(findings.map((one: AnyJson) => one.code)).toEqual(['aws-external-id-not-required'])
    expect(grant.documents).toEqual(kek.grant.documents)
  })

  it('activates a grant that allows too much, and keeps the finding with the KEK', async () => {
    widen('kms:CreateGrant')
    const { isPassed, verdict, findings } = await verify()
    expect({ isPassed, verdict }).toEqual({ isPassed: true, verdict: 'surplus' })
    expect(findings).toMatchObject([{ code: 'aws-create-grant', severity: 'warning' }])
    const { state, verification } = await shown()
    expect(state).toBe('active')
    expect(verification).toMatchObject({ verdict: 'surplus', findings: [{ code: 'aws-create-grant' }] })
  })

  it('keeps every call of a verification under the request id that the customer’s trail has it by', async () => {
    await grantAndVerify()
    await verify()
    const { body } = await hasp.api('GET', `/keks/${kek.id}/verifications?limit=1`)
    const [{ checks, probes }] = body.items
    const ids = [...checks, ...probes]
      .filter(({ action = '' }: AnyJson) => !action.startsWith('sts:'))
      .map(({ kmsRequestId }: AnyJson) => kmsRequestId)
      .filter((id: string | null) => id !== null)
    const trail = surroundings.emulator.control.events({ accountId: kek.kekRef.split(':')[4] })
    const seen = new Set(trail.map(({ requestID }) => requestID))
    expect(ids.length).toBeGreaterThan(20)
    expect(ids.filter((id: string) => !seen.has(id))).toEqual([])
    expect(body.nextCursor).not.toBeNull()
  })

  it('has an intent for each unwrap that a verification tried, dry runs too, and how each ended', async () => {
    await grantAndVerify()
    const trail = surroundings.emulator.control.events({ eventName: 'Decrypt' })
    await expect
      .poll(async () => {
        const refused = await entries('unwrap.')
        const known = new Set(refused.map((one: AnyJson) => one.details.kmsRequestId))
        return trail.filter(({ requestID }) => !known.has(requestID)).length
      })
      .toBe(0)
  })

  it('verifies again by itself when it is due, and writes to the ledger only what changed', async () => {
    widen('kms:CreateGrant')
    await verify()
    const before = (await entries('kek.verif')).length
    const count = async () =>
      (await hasp.api('GET', `/keks/${kek.id}/verifications?limit=100`)).body.items.length
    const had = await count()
    nowMs += 3_700_000
    await expect.poll(count, { timeout: 15_000 }).toBe(had + 1)
    expect((await entries('kek.verif')).length).toBe(before)

    surroundings.grant(kek.access.externalId, hasp.orgId)
    nowMs += 3_700_000
    await expect.poll(count, { timeout: 15_000 }).toBe(had + 2)
    const [latest, ...older] = await entries('kek.verif')
    expect(older).toHaveLength(before)
    expect(latest).toMatchObject({ actor: 'reverification', details: { verdict: 'least', findings: [] } })
    expect((await shown()).verification.verdict).toBe('least')
  })

  it('writes down that the grant broke, without touching the state, which is the probe’s to change', async () => {
    await grantAndVerify()
    await hasp.api('PATCH', `/keks/${kek.id}`, { probeIntervalMs: 0 })
    const { control } = surroundings.emulator
    control.putPolicies({ principalArn: surroundings.roleArn, policies: [] })
    nowMs += 3_700_000
    const last = async () => (await entries('kek.verif'))[0]
    await expect.poll(async () => (await last()).kind, { timeout: 15_000 }).toBe('kek.verification-failed')
    expect(await last()).toMatchObject({ details: { verdict: 'failed' } })
    expect((await shown()).state).toBe('active')
    surroundings.grant(kek.access.externalId, hasp.orgId)
  })

  describe('by a link', () => {
    let link: AnyJson
    const page = (path: string, form?: Record<string, string>) =>
      fetch(`${hasp.url}${path}`, {
        redirect: 'manual',
        ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
      })
    const stored = async () => [...(await dumpDatabase(database.connection)).values()].join('\n')
    beforeAll(async () => {
      surroundings.grant(kek.access.externalId, hasp.orgId)
      link = (await hasp.api('POST', `/keks/${kek.id}/onboarding-links`, {})).body
    })

    it('shows what to grant and how it stands, to whoever has it, without a script or another address', async () => {
      const reply = await page(link.path)
      const text = await reply.text()
      expect(reply.status).toBe(200)
      for (const shownText of [
        kek.access.externalId,
        hasp.orgId,
        surroundings.keyArn,
        'Terraform',
        'AWS CLI',
      ])
        expect(text).toContain(shownText)
      expect(text).toContain('Verify now')
      expect(text).not.toMatch(/(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?\/\//)
      expect(text).not.toContain('style="')
    })

    it('comes with headers that keep its address to itself and let nothing else in', async () => {
      const { headers } = await page(link.path)
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('x-frame-options')).toBe('DENY')
      const policy = headers.get('content-security-policy') ?? ''
      expect(policy).toContain("default-src 'none'")
      expect(policy).not.toContain('unsafe')
      const text = await (await page(link.path)).text()
      for (const element of ['style', 'script'] as const) {
        const [, inline = ''] = new RegExp(`<${element}>(.*?)</${element}>`, 's').exec(text) ?? []
        const digest = createHash('sha256').update(inline).digest('base64')
        expect(policy).toContain(`${element}-src 'sha256-${digest}'`)
      }
    })

    it('verifies when asked, as an actor of its own, and not again at once', async () => {
      nowMs += 60_000
      const reply = await page(`${link.path}/verify`, {})
      expect([reply.status, reply.headers.get('location')]).toEqual([303, `${link.path}#result`])
      expect(await (await page(link.path)).text()).toContain('nothing was found that is more than needed')
      expect((await entries('kek.verif'))[0].actor).toBe(`onboarding-link:${link.id}`)
      const again = await page(`${link.path}/verify`, {})
      expect(again.status).toBe(429)
      expect(await again.text()).toContain('a moment ago')
    })

    it('says of a key in use whose grant lets others in that it stays in use until its owner mends it', async () => {
      surroundings.grant(kek.access.externalId, hasp.orgId)
      const Statement = [{ Effect: 'Allow', Action: 'kms:*', Resource: surroundings.keyArn }]
      const policies = [{ Version: '2012-10-17', Statement }]
      surroundings.emulator.control.putPolicies({ principalArn: surroundings.roleArn, policies })
      expect(await verify()).toMatchObject({ verdict: 'dangerous', kek: { state: 'active' } })
      const text = await (await page(link.path)).text()
      expect(text).toContain('The grant lets others in.')
      expect(text).toContain('stays so: mend the grant now')
      expect(text).not.toContain('does not take the key into use')
      await grantAndVerify()
    })

    it('does not verify when it is merely looked at, as chats and mail scanners do', async () => {
      const before = surroundings.emulator.control.events().length
      await page(link.path)
      await fetch(`${hasp.url}${link.path}`, { method: 'HEAD' })
      expect((await page(`${link.path}/verify`)).status).toBe(404)
      expect(surroundings.emulator.control.events()).toHaveLength(before)
    })

    it('recognises an event of the customer’s own log, and remembers that the log is on', async () => {
      await grantAndVerify()
      const { items } = (await hasp.api('GET', `/keks/${kek.id}/verifications?limit=1`)).body
      const { kmsRequestId } = items[0].checks.find((one: AnyJson) => one.name === 'wrap-and-unwrap')
      const [event] = surroundings.emulator.control.events({ requestId: kmsRequestId })
      const good = await page(`${link.path}/log-event`, { event: JSON.stringify({ Records: [event] }) })
      expect(good.status).toBe(200)
      expect(await good.text()).toContain('your log records what Hasp does')
      expect((await entries('kek.log-seen'))[0].details.kmsRequestId).toBe(kmsRequestId)
      expect(await stored()).not.toContain(String(event?.eventID))

      const { requestID: _, ...foreign } = { ...event }
      const other = await page(`${link.path}/log-event`, { event: JSON.stringify(foreign) })
      expect([other.status, await other.text()]).toEqual([422, expect.stringContaining('No call of')])
      const nonsense = await page(`${link.path}/log-event`, { event: 'not json' })
      expect([nonsense.status, await nonsense.text()]).toEqual([422, expect.stringContaining('not JSON')])
    })

    it('shows whatever the names hold as text', async () => {
      await hasp.api('PATCH', `/keks/${kek.id}`, { name: '<img src=x onerror=alert(1)>"' })
      const text = await (await page(link.path)).text()
      expect(text).toContain('&lt;img src=x')
      expect(text).not.toContain('<img')
      await hasp.api('PATCH', `/keks/${kek.id}`, { name: 'prod' })
    })

    it('is stored only as a keyed digest, and stands in no log line and no ledger entry', async () => {
      const token = link.path.split('/').at(-1)
      expect(await stored()).not.toContain(token)
      expect(hasp.logLines.join('\n')).not.toContain(token)
      const { items } = (await hasp.api('GET', `/keks/${kek.id}/onboarding-links`)).body
      expect(items).toContainEqual({
        id: link.id,
        hint: link.hint,
        createdAt: link.createdAt,
        expiresAt: link.expiresAt,
        revokedAt: null,
      })
    })

    it('ends at its time, at once when it is taken back, and says the same of both and of one that never was', async () => {
      const soon = { expiresAt: new Date(nowMs + 60_000).toISOString() }
      const brief = (await hasp.api('POST', `/keks/${kek.id}/onboarding-links`, soon)).body
      const own = (await hasp.api('POST', `/keks/${kek.id}/onboarding-links`, {})).body
      nowMs += 61_000
      const revoked = await hasp.api('POST', `/keks/${kek.id}/onboarding-links/${own.id}/revoke`)
      expect(revoked.body.revokedAt).not.toBeNull()
      const bodies = await Promise.all(
        [brief.path, own.path, `${own.path.slice(0, -1)}0`, '/onboarding/x'].map(async (path) => {
          const reply = await page(path)
          return [reply.status, await reply.text()]
        }),
      )
      expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1)
      expect(bodies[0]?.[0]).toBe(404)
      expect((await page(`${own.path}/verify`, {})).status).toBe(404)
    })

    it('says how often the KMS is asked, and no more than the rules of the KEK promise', async () => {
      expect(await (await page(link.path)).text()).toContain('asks your KMS each time it opens')
      const rules = { unwrapMode: 'cached', cacheCeilingMs: 60_000, cacheUsesMax: 10 }
      await hasp.api('PATCH', `/keks/${kek.id}`, rules)
      const text = await (await page(link.path)).text()
      expect(text).toContain('at most 60 seconds')
      expect(text).not.toContain('each time it opens')
      await hasp.api('PATCH', `/keks/${kek.id}`, { unwrapMode: 'strict' })
    })

    it('has whoever pasted too much paste less', async () => {
      const reply = await page(`${link.path}/log-event`, { event: 'x'.repeat(70_000) })
      expect([reply.status, await reply.text()]).toEqual([413, expect.stringContaining('one event alone')])
    })

    it('of a KEK that was retired asks to take the grant back, and asks nothing of the KMS', async () => {
      const { keyArn, roleArn } = surroundings
      const past = keyArn.replace(/[^/]+$/, '00000000-0000-4000-8000-000000000000')
      const given = { name: 'past', provider: 'aws', keyArn: past, roleArn }
      const { id } = (await hasp.api('POST', '/keks', given)).body
      const { path } = (await hasp.api('POST', `/keks/${id}/onboarding-links`, {})).body
      await hasp.api('POST', `/keks/${id}/retire`)
      const text = await (await page(path)).text()
      expect(text).toContain('Take back what you granted')
      expect(text).not.toContain('Verify now')
      const before = surroundings.emulator.control.events().length
      const reply = await page(`${path}/verify`, {})
      expect([reply.status, await reply.text()]).toEqual([
        409,
        expect.stringContaining('there is nothing to verify'),
      ])
      expect((await hasp.api('POST', `/keks/${id}/verify`)).body.code).toBe('kek_not_active')
      expect((await hasp.api('POST', `/keks/${id}/onboarding-links`, {})).body.code).toBe('kek_not_active')
      expect(surroundings.emulator.control.events()).toHaveLength(before)
    })

    it('is no way into the API, nor is an admin token a link', async () => {
      const token = link.path.split('/').at(-1)
      const asAdmin = await fetch(`${hasp.url}/api/v1/keks`, {
        headers: { authorization: `Bearer ${token}` },
      })
      expect(asAdmin.status).toBe(401)
      expect((await page(`/onboarding/${hasp.token}`)).status).not.toBe(200)
    })

    it('is not made for another organisation’s KEK, and lives for ninety days at most', async () => {
      const path = '/keks/01980f3e-7a00-7000-8000-000000000009/onboarding-links'
      expect((await hasp.api('POST', path, {})).body.code).toBe('kek_not_found')
      const expiresAt = new Date(nowMs + 91 * 86_400_000).toISOString()
      const late = await hasp.api('POST', `/keks/${kek.id}/onboarding-links`, { expiresAt })
      expect([late.status, late.body.code]).toEqual([400, 'body_invalid'])
    })
  })

  describe('from the command line', () => {
    const seen = new Seen()
    const cli = (...argv: string[]) =>
      runCli(seen, ['kek', ...argv], { HASP_URL: hasp.url, HASP_TOKEN: hasp.token })

    it('prints the grant in the form that is asked for, ready to redirect into a file', async () => {
      const { stdout } = await cli('grant', 'prod', '--format', 'terraform')
      expect(stdout.startsWith('# The module is')).toBe(true)
      expect(stdout).toContain(kek.access.externalId)
      expect((await cli('grant', 'prod', '--format', 'cli')).stdout).toContain('aws iam create-role')
      const raw = (await cli('grant', 'prod')).stdout
      expect(raw).toContain('Trust policy of the role')
      expect(raw).toMatch(/In your own log\n─+\naws cloudtrail [^\n]+\n\nIt shows/)
    })

    it('makes a link, lists it by its hint alone, and takes it back', async () => {
      const { stdout } = await cli('link', 'prod', '--expires', '24h')
      const url = stdout.trim()
      expect((await fetch(url)).status).toBe(200)
      const listed = JSON.parse((await cli('link', 'prod', '--list', '--json')).stdout)
      expect(JSON.stringify(listed)).not.toContain(url.split('/').at(-1))
      const { id } = listed.items.at(-1)
      const stateShown = async () =>
        new RegExp(`^\\S+ +(\\S+) .*${id}$`, 'm').exec((await cli('link', 'prod', '--list')).stdout)?.[1]
      expect(await stateShown()).toBe('open')
      expect((await cli('link', 'prod', '--revoke', id)).code).toBe(0)
      expect(await stateShown()).toBe('revoked')
      expect((await fetch(url)).status).toBe(404)
    })

    it('names what the grant allows too much, with what to change, and shows it with the KEK', async () => {
      widen('kms:CreateGrant')
      const verified = await cli('verify', 'prod')
      expect(verified.code).toBe(0)
      expect(verified.stdout).toContain('More than needed: aws-create-grant')
      expect(verified.stdout).toContain('Remove kms:CreateGrant')
      expect(verified.stdout.split('and nothing else.')).toHaveLength(2)
      expect(verified.stderr).toMatch(/Grant exactly what the first prints[^]*kek grant prod\n/)
      const shownSo = await cli('show', 'prod')
      expect(shownSo.stdout).toMatch(/Grant +surplus: .*aws-create-grant/)
      expect(shownSo.stdout).toMatch(/Exceptionally +.*trust policy[^]*Soonest by +kms:DisableKey/)
      expect(shownSo.stderr).toMatch(/what mends it[^]*kek verify prod/)
      surroundings.grant(kek.access.externalId, hasp.orgId)
      expect((await cli('verify', 'prod')).stdout).not.toContain('aws-create-grant')
    })
  })

  it('asks whoever tries too many links that do not exist to wait, and keeps no right one out', async () => {
    const statuses: number[] = []
    for (let attempt = 0; attempt < 40; attempt += 1)
      statuses.push((await fetch(`${hasp.url}/onboarding/hasp_link_guess`)).status)
    expect(statuses.at(0)).toBe(404)
    expect(statuses.at(-1)).toBe(429)
    const { body } = await hasp.api('POST', `/keks/${kek.id}/onboarding-links`, {})
    expect((await fetch(hasp.url + body.path)).status).toBe(200)
  })
})
