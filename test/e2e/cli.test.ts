import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { suspendKek } from '#keks/suspend.ts'
import { KekFault } from '#kms/kek-fault.ts'
import { createEmptyDatabase } from '../support/database.ts'
import { openaiCredential, startSurroundings, type Surroundings } from '../support/lending-hasp.ts'
import { runCli, Seen, startCli, type CliResult } from '../support/run-cli.ts'
import { startHasp, urlOf, type RunningHasp } from '../support/running-hasp.ts'

type Issued = { id: string; token: string }
type Kek = { id: string; state: string }
type Listed = { items: { receiptId: string }[]; nextCursor: string }

const seen = new Seen()
const stack = new AsyncDisposableStack()
let hasp: RunningHasp
let surroundings: Surroundings
let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hasp-cli-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  surroundings = stack.use(await startSurroundings())
  hasp = stack.use(await startHasp(surroundings.env, { aws: surroundings.aws }))
  await done('kek', 'register', '--provider', 'local', '--name', 'main', '--verify')
  await addTarget('openai')
  const { token } = (await answer('vkey', 'issue', '--name', 'agent', '--targets', 'openai')) as Issued
  const client = new OpenAI({ baseURL: `${hasp.url}/openai/v1`, apiKey: token })
  await client.chat.completions.create({ model: 'gpt-5', messages: [{ role: 'user', content: 'Hi' }] })
})
afterEach(expectNothingLeaked)
afterAll(() => stack.disposeAsync())

const env = () => ({ HASP_URL: hasp.url, HASP_TOKEN: hasp.token })
const cli = (argv: readonly string[], input?: string): Promise<CliResult> => runCli(seen, argv, env(), input)

/** Whatever ran so far neither printed a secret nor showed one to the users of the machine. */
function expectNothingLeaked(): void {
  const shown = [...seen.outputs, ...seen.commandLines].join('\n')
  for (const secret of [openaiCredential, hasp.token]) {
    const bytes = Buffer.from(secret)
    for (const spelt of [secret, bytes.toString('base64'), bytes.toString('hex')]) {
      expect(shown).not.toContain(spelt)
    }
  }
}

/** What a command prints for people; it must come out well. */
async function done(...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await cli(argv)
  expect(stderr + stdout).not.toMatch(/^hasp: /m)
  expect(code).toBe(0)
  return stdout
}

/** What a command answers to machines; it must come out well, and say nothing else. */
async function answer(...argv: string[]): Promise<unknown> {
  return answerTo(argv)
}

/** As {@link answer}, of a command that reads `input`. */
async function answerTo(argv: readonly string[], input?: string): Promise<unknown> {
  const { code, stdout, stderr } = await cli([...argv, '--json'], input)
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return JSON.parse(stdout)
}

/** What a command fails with. */
async function failure(argv: readonly string[], input?: string) {
  const { code, stdout, stderr } = await cli([...argv, '--json'], input)
  return { code, stdout, error: JSON.parse(stderr).error }
}

async function addTarget(name: string): Promise<{ id: string }> {
  const argv = ['target', 'add', '--provider', 'openai', '--name', name, '--kek', 'main', '--base-url']
  return (await answerTo([...argv, surroundings.openai.origin], openaiCredential)) as { id: string }
}

describe('every command that reads', () => {
  it.each([
    ['whoami', /Organisation +default/],
    ['kek list', /^NAME +STATE +UNWRAP[^]*\nmain +active/],
    ['kek show main', /NOT customer-held/],
    ['kek verify main', /✓ +describe/],
    ['target list', /^NAME +PROVIDER[^]*\nopenai +openai[^]* main /],
    ['target show openai', /Verification +accepted at/],
    ['target test openai', /Verification +accepted/],
    ['vkey list', /^NAME +STATUS[^]*\nagent +active[^]* openai /],
    ['vkey show agent', /Targets +openai/],
    ['token list', /^NAME +TOKEN[^]*\nfirst +hasp_admin_/],
    ['receipts', /^TIME +TARGET[^]*openai +agent +gpt-5 +strict +200 +completed/],
    ['receipts --vkey agent --target openai --kek main', /gpt-5/],
    ['ledger', /kek\.activated/],
    ['ledger --kind kek.registered --kek main', /kekRef=local:/],
  ])('hasp %s: a text for people, JSON for machines', async (line, shown) => {
    expect(await done(...line.split(' '))).toMatch(shown)
    expect(await answer(...line.split(' '))).toBeTypeOf('object')
  })

  it('says what to type where there is nothing yet', async () => {
    await using empty = await startHasp()
    for (const [noun, next] of [
      ['kek', 'hasp kek register'],
      ['target', 'hasp target add'],
      ['vkey', 'hasp vkey issue'],
    ] as const) {
      const reply = await runCli(seen, [noun, 'list'], { HASP_URL: empty.url, HASP_TOKEN: empty.token })
      expect(reply.stdout).toContain(next)
    }
  })

  it('does not say that there is nothing where a filter left nothing', async () => {
    const { id } = (await answer('vkey', 'issue', '--name', 'idle', '--targets', 'all')) as Issued
    for (const line of ['target list --provider anthropic', `receipts --vkey ${id}`, 'job list --kek main']) {
      const shown = await done(...line.split(' '))
      expect(shown).toMatch(/^No (target of this provider|receipt fits|jobs from or to this KEK)/)
      expect(shown).toContain(`bin/hasp ${line.split(' --')[0]}`)
    }
    const entries = await answer('ledger', '--vkey', id)
    expect(entries).toMatchObject({ items: [{ details: { targetIds: 'all', models: 'all' } }] })
    await done('vkey', 'revoke', id, '--yes')
  })

  it('names a receipt with how its call ended', async () => {
    const { items } = (await answer('receipts')) as Listed
    expect(items[0]).toMatchObject({
      model: 'gpt-5',
      unwrap: { mode: 'strict', isReused: false },
      outcome: { end: 'completed', status: 200 },
    })
    const ledger = await answer('ledger', '--receipt', items[0]?.receiptId ?? '')
    expect(ledger).toMatchObject({ items: [{ kind: 'receipt.settled', receiptId: items[0]?.receiptId }] })
  })

  it('pages: what the limit left out follows the cursor', async () => {
    const whole = (await answer('ledger', '--limit', '4')) as Listed
    const first = (await answer('ledger', '--limit', '3')) as Listed
    const rest = (await answer('ledger', '--limit', '1', '--cursor', first.nextCursor)) as Listed
    expect([...first.items, ...rest.items]).toEqual(whole.items)
    expect(await done('ledger', '--limit', '3')).toContain(`--cursor ${first.nextCursor}`)
  })
})

describe('a KEK', () => {
  it('is registered with the documents of its grant, proved, changed and retired', async () => {
    const { keyArn, roleArn } = surroundings
    const grant = join(directory, 'grant')
    const aws = ['--provider', 'aws', '--name', 'cloud', '--key-arn', keyArn, '--role-arn', roleArn]
    const shown = await done('kek', 'register', ...aws, '--file', grant)
    expect(shown).toContain('Trust policy of the role\n────')
    expect(shown).toContain('Next: bin/hasp kek verify cloud')
    expect(await readdir(grant)).toHaveLength(3)
    const trust = JSON.parse(await readFile(join(grant, 'trust-policy-of-the-role.json'), 'utf8'))

    const unproved = await failure(['kek', 'verify', 'cloud'])
    expect(unproved).toMatchObject({ code: 1, error: { code: 'verification_failed' } })
    expect(JSON.parse(unproved.stdout)).toMatchObject({ isPassed: false })

    const externalId = trust.Statement[0].Condition.StringEquals['sts:ExternalId']
    surroundings.grant(externalId, hasp.orgId)
    expect(await answer('kek', 'verify', 'cloud')).toMatchObject({ isPassed: true, kek: { state: 'active' } })
    expect(await failure(['kek', 'show', 'cloud', '--file', grant])).toMatchObject({
      code: 1,
      error: { code: 'file_exists', hint: expect.stringContaining('kek show cloud --file') },
    })
    expect(await done('kek', 'show', 'cloud', '--grant')).toContain(externalId)
    expect(
      await answer(
        'kek',
        'update',
        'cloud',
        '--unwrap-mode',
        'cached',
        '--cache-ceiling',
        '90s',
        '--name',
        'vault',
      ),
    ).toMatchObject({ name: 'vault', unwrapMode: 'cached', cacheCeilingMs: 90_000 })
    expect(await done('kek', 'update', 'vault', '--stream-rule', 'drain')).toContain('end by themselves')

    expect(await failure(['kek', 'retire', 'vault'])).toMatchObject({
      code: 2,
      error: { code: 'confirmation_needed' },
    })
    const again = await failure(['kek', 'register', ...aws.with(3, 'again')])
    expect(again).toMatchObject({ code: 1, error: { code: 'kek_already_registered', status: 409 } })
    expect(again.error.message).toContain('"vault" (active)')

    const retired = (await answer('kek', 'retire', 'vault', '--yes')) as Kek
    expect(retired).toMatchObject({ state: 'deactivated' })
    const renewed = (await answer('kek', 'register', ...aws.with(3, 'vault'))) as Kek
    expect(renewed.id).not.toBe(retired.id)
    expect(await answer('kek', 'show', 'vault')).toMatchObject({ id: renewed.id, state: 'pre-activation' })
  })

  it('says what failed in its verification once, by which request, and what to do next', async () => {
    const { keyArn } = surroundings.emulator.control.createKey({
      accountId: surroundings.keyArn.split(':')[4] ?? '',
    })
    const argv = [
      '--provider',
      'aws',
      '--name',
      'off',
      '--key-arn',
      keyArn,
      '--role-arn',
      surroundings.roleArn,
    ]
    const registered = await cli(['kek', 'register', ...argv])
    expect(registered.stderr).toMatch(/Warning: the role of "off" serves "vault" too/)
    const denied = await cli(['kek', 'verify', 'off'])
    expect(denied.code).toBe(1)
    expect(denied.stdout).toMatch(/✗ describe +\S+ +The role cannot be assumed/)
    expect(denied.stderr).not.toContain('The role cannot be assumed')
    expect(denied.stderr).toMatch(
      /the check describe failed[^]*bin\/hasp kek verify off[^]*bin\/hasp kek grant off\n/,
    )
    await done('kek', 'retire', 'off', '--yes')
  })

  it('is registered and proved at once with --verify', async () => {
    expect(
      await answer('kek', 'register', '--provider', 'local', '--name', 'other', '--verify'),
    ).toMatchObject({
      state: 'active',
      grant: { documents: [] },
      verification: { isPassed: true },
    })
  })

  it('that seals something is not retired, and the refusal says what to do', async () => {
    const refused = await cli(['kek', 'retire', 'main', '--yes'])
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(
      /openai[^]*kek_in_use, HTTP 409, request [^]*bin\/hasp kek move main --to KEK/,
    )
  })
})

describe('a target', () => {
  it('is stored from a pipe, rotated from a private file, changed and erased', async () => {
    const stored = await addTarget('cycle')
    expect(stored).toMatchObject({ name: 'cycle', verification: 'accepted' })
    const file = join(directory, 'credential')
    await writeFile(file, `${openaiCredential}\n`, { mode: 0o600 })
    expect(await done('target', 'rotate', 'cycle', '--credential-file', file)).toMatch(/^2 +yes[^]*\n1 +no/m)
    expect(await answer('target', 'update', 'cycle', '--models', 'gpt-5*,o3')).toMatchObject({
      models: ['gpt-5*', 'o3'],
    })
    expect(await answer('target', 'update', 'cycle', '--models', 'all')).toMatchObject({ models: [] })
    expect(await done('target', 'retire-credential', 'cycle', '1', '--yes')).toContain('erased')
    expect(await failure(['target', 'delete', 'cycle'])).toMatchObject({ code: 2 })
    expect(await answer('target', 'delete', 'cycle', '--yes')).toEqual({
      id: stored.id,
      name: 'cycle',
      isDeleted: true,
    })
    expect(await failure(['target', 'show', 'cycle'])).toMatchObject({ error: { code: 'name_unknown' } })
    expect(await answer('ledger', '--target', 'cycle', '--limit', '1')).toMatchObject({
      items: [{ kind: 'target.deleted', targetId: stored.id }],
    })
    expect(await failure(['ledger', '--target', 'never-was'])).toMatchObject({
      error: { code: 'name_unknown' },
    })
    expect(await failure(['target', 'show', stored.id])).toMatchObject({
      error: { code: 'target_not_found' },
    })
  })

  it('is not stored at a base URL with a /v1 that Hasp adds itself', async () => {
    const argv = ['target', 'add', '--provider', 'openai', '--name', 'twice', '--kek', 'main', '--base-url']
    const refused = await failure([...argv, `${surroundings.openai.origin}/v1/`], openaiCredential)
    expect(refused).toMatchObject({ code: 1, error: { code: 'target_base_url_refused' } })
    expect(refused.error.message).toContain(`give ${surroundings.openai.origin} instead`)
  })

  it('is not sealed under a KEK that is not active, and is told what to do about that one, by its name', async () => {
    const register = ['kek', 'register', '--provider', 'local', '--name', 'not proven']
    const { id: kekId } = (await answer(...register)) as Kek
    const add = ['target', 'add', '--provider', 'openai', '--name', 'early', '--kek', kekId, '--base-url']
    add.push(surroundings.openai.origin)
    const early = await failure(add, openaiCredential)
    expect(early.error).toMatchObject({ code: 'target_kek_not_active', status: 409 })
    expect(early.error.hint).toMatch(/bin\/hasp kek grant 'not proven'\n +bin\/hasp kek verify 'not proven'$/)

    await done('kek', 'verify', 'not proven')
    await answerTo(add, openaiCredential)
    const { database: db, ring } = hasp.context
    // No probe: it would find that the file is there, and resume the KEK.
    await db.pool.query('DELETE FROM kek_probes WHERE kek_id = $1', [kekId])
    const fault = new KekFault('revoked', 'ENOENT', 'The local KEK file has been removed.')
    await suspendKek({ db, ring, now: () => new Date() }, { id: kekId, orgId: hasp.orgId }, fault, 'probe')
    const rotated = await failure(['target', 'rotate', 'early'], openaiCredential)
    expect(rotated.error).toMatchObject({ code: 'target_kek_not_active' })
    expect(rotated.error.hint).toMatch(/refuses it \(ENOENT\)[^]*bin\/hasp kek verify 'not proven'$/)

    await done('target', 'delete', 'early', '--yes')
    await done('kek', 'retire', 'not proven', '--yes')
    const late = await failure(add, openaiCredential)
    expect(late.error.hint).toBe('Seal it under another KEK: bin/hasp kek list')
  })

  it('never takes a credential from a file that others may read', async () => {
    const file = join(directory, 'open-credential')
    await writeFile(file, openaiCredential)
    await chmod(file, 0o644)
    const refused = await cli(['target', 'rotate', 'openai', '--credential-file', file])
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('chmod 600')
    expect(await answer('target', 'show', 'openai')).toMatchObject({ credentials: [{ isCurrent: true }] })
  })

  it('is not stored when its provider refuses the credential, unless nobody asks it', async () => {
    const argv = ['target', 'add', '--provider', 'openai', '--name', 'wrong', '--kek', 'main']
    argv.push('--base-url', surroundings.openai.origin)
    const refused = await failure(argv, 'sk-wrong-000000000000000000')
    expect(refused).toMatchObject({
      code: 1,
      error: { code: 'credential_rejected_by_provider', status: 422 },
    })
    const stored = await cli([...argv, '--no-validate', '--json'], 'sk-wrong-000000000000000000')
    expect(JSON.parse(stored.stdout)).toMatchObject({ verification: 'unchecked' })
    const tested = await failure(['target', 'test', 'wrong'])
    expect(tested).toMatchObject({ code: 1, error: { code: 'credential_rejected' } })
    expect(JSON.parse(tested.stdout)).toMatchObject({ verification: 'rejected' })
    expect(tested.error.hint).toBe('Put a good one in use: bin/hasp target rotate wrong')
  })

  it('shows its credential in no process’s command line while it waits for it', async () => {
    await using waiting = startCli(seen, ['target', 'rotate', 'openai', '--no-validate', '--json'], env())
    await expect.poll(waiting.commandLine).toContain('src/main.ts\0target\0rotate\0openai')
    await expect(waiting.commandLine()).resolves.not.toContain(openaiCredential)
    waiting.child.stdin.end(openaiCredential)
    expect((await waiting.ended()).code).toBe(0)
    await done('target', 'retire-credential', 'openai', '1', '--yes')
  })
})

describe('a virtual key', () => {
  it('is alone on standard output with --quiet, and works', async () => {
    const { code, stdout, stderr } = await cli([
      'vkey',
      'issue',
      '--name',
      'quiet',
      '--targets',
      'openai',
      '--models',
      'gpt-5*',
      '--expires',
      '1h',
      '--quiet',
    ])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^hasp_vk_[0-9A-Za-z]+\n$/)
    const client = new OpenAI({ baseURL: `${hasp.url}/openai/v1`, apiKey: stdout.trim() })
    await client.chat.completions.create({ model: 'gpt-5', messages: [{ role: 'user', content: 'Hi' }] })
    expect(await answer('vkey', 'show', 'quiet')).not.toHaveProperty('token')
  })

  it('is shown once with a warning, changed, and revoked only when confirmed', async () => {
    const issued = await cli(['vkey', 'issue', '--name', 'shown', '--targets', 'all', '--expires', 'never'])
    expect(issued.stdout).toMatch(/^Issued "shown" \([0-9a-f-]{36}\), which does not expire:\n/)
    expect(issued.stdout).toMatch(/\n {2}hasp_vk_[0-9A-Za-z]+\n[^]*OPENAI_BASE_URL=/)
    expect(issued.stderr).toContain('shown this once')
    expect(
      await answer('vkey', 'update', 'shown', '--targets', 'openai', '--models', 'o3', '--expires', 'never'),
    ).toMatchObject({ models: ['o3'], expiresAt: null })
    expect(await done('vkey', 'update', 'shown', '--models', 'all')).toMatch(/Models +all/)
    expect(await failure(['vkey', 'revoke', 'shown'])).toMatchObject({ code: 2 })
    expect(await answer('vkey', 'revoke', 'shown', '--yes')).toMatchObject({ status: 'revoked' })
  })

  it('whose name several have is named by id', async () => {
    const { id } = (await answer('vkey', 'issue', '--name', 'twin', '--targets', 'all')) as Issued
    await answer('vkey', 'issue', '--name', 'twin', '--targets', 'all')
    const { error } = await failure(['vkey', 'show', 'twin'])
    expect(error).toMatchObject({ code: 'name_ambiguous', hint: expect.stringContaining(id) })
    expect(await done('vkey', 'revoke', id, '--yes')).toContain('is revoked')
  })
})

describe('an admin token', () => {
  it('is issued, comes in, and is revoked', async () => {
    const { stdout } = await cli(['token', 'issue', '--name', 'ada', '--expires', '1h', '--quiet'])
    const token = stdout.trim()
    const asAda = () => runCli(seen, ['whoami', '--json'], { HASP_URL: hasp.url, HASP_TOKEN: token })
    expect(JSON.parse((await asAda()).stdout)).toMatchObject({ token: { name: 'ada' } })
    expect(await failure(['token', 'revoke', 'ada'])).toMatchObject({ code: 2 })
    expect(await done('token', 'revoke', 'ada', '--yes')).toContain('is revoked')
    const refused = await asAda()
    expect(refused.code).toBe(1)
    expect(JSON.parse(refused.stderr)).toMatchObject({ error: { code: 'unauthenticated', status: 401 } })
    expect(refused.stderr).not.toContain(token)
  })

  it.each([
    [['--expires', '2099-01-31'], 'which expires 2099-01-31 23:59:59Z'],
    [[], 'which does not expire'],
  ])('says until when it is good, issued with %j', async (expires, until) => {
    const shown = await done('token', 'issue', '--name', 'dated', ...expires)
    const [, id = '', token = ''] = shown.split(/^Issued the admin token "dated" \((\S+)\), .+:\n\n {2}(\S+)/)
    expect(shown).toContain(`(${id}), ${until}:\n`)
    expect(token).toMatch(/^hasp_admin_/)
    await done('token', 'revoke', id, '--yes')
  })

  it('that is the last can not be revoked', async () => {
    await using lonely = await startHasp()
    const reply = await runCli(seen, ['token', 'revoke', 'first', '--yes'], {
      HASP_URL: lonely.url,
      HASP_TOKEN: lonely.token,
    })
    expect(reply).toMatchObject({ code: 1, stderr: expect.stringContaining('hasp token issue') })
  })
})

describe('a server that can not be used', () => {
  it('is said to be unreachable, with where and how to start one', async () => {
    const reply = await runCli(seen, ['kek', 'list'], { ...env(), HASP_URL: 'http://127.0.0.1:1' })
    expect(reply).toMatchObject({ code: 1, stdout: '' })
    expect(reply.stderr).toMatch(/http:\/\/127\.0\.0\.1:1 \(ECONNREFUSED\)[^]*bin\/hasp serve/)
  })

  it('is told apart from something else that answers there', async () => {
    const reply = await runCli(seen, ['kek', 'list'], { ...env(), HASP_URL: surroundings.openai.origin })
    expect(reply).toMatchObject({ code: 1, stderr: expect.stringContaining("not Hasp's management API") })
  })
})

describe('the operator’s commands', () => {
  it('migrate says what it did, and then that there is nothing to do', async () => {
    await using database = await createEmptyDatabase()
    const given = { DATABASE_URL: urlOf(database.connection), HASP_DATA_DIR: join(directory, 'operator') }
    const orgless = await runCli(seen, ['org', 'create', 'acme'], given)
    expect(orgless).toMatchObject({ code: 1, stderr: expect.stringContaining('hasp migrate') })
    const first = await runCli(seen, ['migrate', '--json'], given)
    expect(JSON.parse(first.stdout).applied).toContain('0001-foundation')
    expect((await runCli(seen, ['migrate'], given)).stdout).toContain('nothing to do')

    const made = await runCli(seen, ['org', 'create', 'acme', '--quiet'], given)
    expect(made.stdout).toMatch(/^hasp_admin_[0-9A-Za-z]+\n$/)
    const again = await runCli(seen, ['org', 'create', 'acme', '--json'], given)
    expect(again.code).toBe(1)
    expect(JSON.parse(again.stderr)).toMatchObject({ error: { code: 'organisation_name_taken' } })

    const lost = await runCli(seen, ['org', 'token', 'acme', '--quiet'], given)
    expect(lost.stdout).toMatch(/^hasp_admin_[0-9A-Za-z]+\n$/)
    const nobody = await runCli(seen, ['org', 'token', 'nobody', '--json'], given)
    expect(JSON.parse(nobody.stderr)).toMatchObject({ error: { code: 'organisation_not_found' } })

    await using served = startCli(seen, ['serve', '--json'], {
      ...given,
      HASP_PORT: '0',
      HASP_LOG_LEVEL: 'silent',
    })
    await served.printed('\n')
    const { url, firstOrganisation } = JSON.parse(served.stdout())
    expect(firstOrganisation).toBeNull()
    const who = await runCli(seen, ['whoami', '--json'], { HASP_URL: url, HASP_TOKEN: made.stdout.trim() })
    expect(JSON.parse(who.stdout)).toMatchObject({ organisation: { name: 'acme' }, token: { name: 'first' } })
    const found = await runCli(seen, ['whoami', '--json'], { HASP_URL: url, HASP_TOKEN: lost.stdout.trim() })
    expect(JSON.parse(found.stdout)).toMatchObject({ token: { name: 'from the operator' } })
    served.child.kill('SIGTERM')
    expect((await served.ended()).code).toBe(0)
  })

  it('org create refuses to invent a database', async () => {
    const reply = await runCli(seen, ['org', 'create', 'acme'], { HASP_DATA_DIR: join(directory, 'nowhere') })
    expect(reply).toMatchObject({ code: 1, stderr: expect.stringContaining('HASP_DATA_DIR') })
    await expect(readdir(join(directory, 'nowhere'))).rejects.toThrow('ENOENT')
  })
})

describe('a service that can not start', () => {
  it('says so before it makes anything, when its port is taken', async () => {
    await using database = await createEmptyDatabase()
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const reply = await runCli(seen, ['serve'], {
      DATABASE_URL: urlOf(database.connection),
      HASP_DATA_DIR: join(directory, 'taken'),
      HASP_PORT: String(port),
    })
    taken.close()
    expect(reply).toMatchObject({ code: 1, stderr: expect.stringMatching(/is taken[^]*HASP_PORT/) })
    expect(reply.stdout).not.toContain('hasp_admin_')
    const { rows } = await database.db.pool.query("SELECT to_regclass('organisations') AS made")
    expect(rows).toEqual([{ made: null }])
  })

  it('names the setting, when its data directory can not be written to', async () => {
    const file = join(directory, 'a-file')
    await writeFile(file, '')
    const reply = await runCli(seen, ['serve'], { HASP_DATA_DIR: join(file, 'data'), HASP_PORT: '0' })
    expect(reply).toMatchObject({ code: 1, stderr: expect.stringContaining('HASP_DATA_DIR') })
  })

  it('names the version that is needed, when a newer one migrated the database', async () => {
    await using database = await createEmptyDatabase()
    await database.db.pool.query(
      'CREATE TABLE kysely_migration (name varchar PRIMARY KEY, timestamp varchar)',
    )
    await database.db.pool.query("INSERT INTO kysely_migration VALUES ('9999-from-the-future', '')")
    const reply = await runCli(seen, ['serve'], {
      DATABASE_URL: urlOf(database.connection),
      HASP_DATA_DIR: join(directory, 'newer'),
      HASP_PORT: '0',
    })
    expect(reply).toMatchObject({ code: 1, stderr: expect.stringContaining('9999-from-the-future') })
  })

  it('says which variable names a database that does not answer', async () => {
    const reply = await runCli(seen, ['migrate', '--json'], {
      DATABASE_URL: 'postgres://u:hidden-word@127.0.0.1:1/x',
    })
    expect(reply.code).toBe(1)
    expect(JSON.parse(reply.stderr).error).toMatchObject({
      code: 'ECONNREFUSED',
      hint: expect.stringContaining('DATABASE_URL'),
    })
    expect(reply.stderr).not.toContain('hidden-word')
  })
})

describe('hasp --version', () => {
  it('is the one of package.json', async () => {
    const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
    expect((await cli(['--version'])).stdout).toBe(`${version}\n`)
  })
})
