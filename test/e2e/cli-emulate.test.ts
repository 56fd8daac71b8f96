import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli, Seen, startCli, type RunningCli } from '../support/run-cli.ts'
import { startHasp } from '../support/running-hasp.ts'

const seen = new Seen()
let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hasp-emulate-'))
})
afterAll(() => rm(directory, { recursive: true }))

type Emulated = {
  url: string
  credential: string | null
  environment: Record<string, string>
  roles: { arn: string }[]
  keys: { keyArn: string }[]
}

/** Starts one and reads what it answers to machines. */
async function emulate(...argv: string[]): Promise<RunningCli & { answer: Emulated }> {
  const cli = startCli(seen, ['emulate', ...argv, '--port', '0', '--json'], {})
  await cli.printed('\n}\n')
  return { ...cli, answer: JSON.parse(cli.stdout()) }
}

describe('hasp emulate aws', () => {
  it('prints an environment and steps with which a KEK is registered and proved, and logs every call', async () => {
    const trail = join(directory, 'trail.ndjson')
    await using aws = await emulate('aws', '--audit-log', trail)
    const { url, environment, roles, keys } = aws.answer
    const setting = (name: string) => environment[name] ?? ''
    const accessKeyId = setting('AWS_ACCESS_KEY_ID')
    const secretAccessKey = setting('AWS_SECRET_ACCESS_KEY')
    const roleArn = roles[0]?.arn ?? ''
    await using hasp = await startHasp(
      { HASP_AWS_PRINCIPAL_ARN: setting('HASP_AWS_PRINCIPAL_ARN') },
      {
        aws: {
          kmsEndpoint: () => setting('AWS_ENDPOINT_URL_KMS'),
          stsEndpoint: () => setting('AWS_ENDPOINT_URL_STS'),
          ownCredentials: async () => ({ accessKeyId, secretAccessKey }),
        },
      },
    )
    const given = { HASP_URL: hasp.url, HASP_TOKEN: hasp.token }
    const grant = join(directory, 'grant')
    const argv = ['kek', 'register', '--provider', 'aws', '--name', 'emulated', '--file', grant]
    argv.push('--key-arn', keys[0]?.keyArn ?? '', '--role-arn', roleArn)
    expect((await runCli(seen, argv, given)).code).toBe(0)
    expect((await runCli(seen, ['kek', 'verify', 'emulated'], given)).code).toBe(1)
    await control(url, 'put-trust-policy', {
      roleArn,
      trustPolicy: await readFile(join(grant, 'trust-policy-of-the-role.json'), 'utf8'),
    })
    await control(url, 'put-policies', {
      principalArn: roleArn,
      policies: [await readFile(join(grant, 'permissions-policy-of-the-role.json'), 'utf8')],
    })
    const proved = await runCli(seen, ['kek', 'verify', 'emulated'], given)
    expect(proved).toMatchObject({ code: 0, stdout: expect.stringMatching(/✓\s+foreign-context-refused/) })
    expect(await readFile(trail, 'utf8')).toContain('"eventName":"Decrypt"')

    aws.child.kill('SIGINT')
    expect(await aws.ended()).toMatchObject({ code: 0 })
  })

  it('starts with the accounts of a seed, and refuses one that does not fit, naming the fault', async () => {
    const seed = join(directory, 'seed.json')
    await writeFile(
      seed,
      JSON.stringify({ accounts: [{ accountId: '123456789012', users: [{ name: 'ada' }] }] }),
    )
    await using aws = await emulate('aws', '--seed', seed)
    expect(aws.answer).toMatchObject({ users: [{ arn: 'arn:aws:iam::123456789012:user/ada' }], keys: [] })

    await writeFile(seed, JSON.stringify({ accounts: [{ accountId: '1' }] }))
    const refused = await runCli(seen, ['emulate', 'aws', '--seed', seed, '--port', '0'], {})
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('/accounts/0/accountId') })
  })
})

describe('hasp emulate google', () => {
  it('prints an environment and steps with which a KEK is registered and proved, and logs every call', async () => {
    const entries = join(directory, 'entries.ndjson')
    await using google = await emulate('gcp', '--audit-log', entries)
    const { environment, keys, projects, url } = google.answer as unknown as {
      url: string
      environment: Record<string, string>
      projects: { projectId: string; projectNumber: string }[]
      keys: { keyName: string }[]
    }
    await using hasp = await startHasp(environment)
    const given = { HASP_URL: hasp.url, HASP_TOKEN: hasp.token }
    const grant = join(directory, 'google-grant')
    const keyName = keys[0]?.keyName ?? ''
    const pool = `projects/${projects[1]?.projectNumber}/locations/global/workloadIdentityPools/hasp-pool`
    const argv = ['kek', 'register', '--provider', 'gcp', '--name', 'emulated', '--file', grant]
    argv.push('--key-name', keyName, '--identity-provider', `${pool}/providers/hasp`)
    expect((await runCli(seen, argv, given)).code).toBe(0)
    expect((await runCli(seen, ['kek', 'verify', 'emulated'], given)).code).toBe(1)
    const document = async (name: string) => JSON.parse(await readFile(join(grant, `${name}.json`), 'utf8'))
    await control(url, 'create-identity-provider', await document('provider-in-the-workload-identity-pool'))
    const binding = await document('binding-for-the-iam-policy-of-the-key')
    await control(url, 'add-binding', { resource: keyName, binding })
    await control(url, 'log-data-access', { projectId: 'customer-one' })
    const proved = await runCli(seen, ['kek', 'verify', 'emulated'], given)
    expect(proved).toMatchObject({ code: 0, stdout: expect.stringMatching(/✓\s+foreign-context-refused/) })
    expect(await readFile(entries, 'utf8')).toContain('"methodName":"Decrypt"')
    expect(google.stdout()).not.toContain('PRIVATE KEY')

    google.child.kill('SIGINT')
    expect(await google.ended()).toMatchObject({ code: 0 })
  })

  it('starts with the projects of a seed, whose first service account Hasp is and whose first key its steps name', async () => {
    const seed = join(directory, 'projects.json')
    const keys = [{ cryptoKey: 'padlock', location: 'europe-west1' }]
    const serviceAccounts = [{ name: 'lender' }]
    const projects = [
      { projectId: 'acme-prod', keys },
      { projectId: 'lending', serviceAccounts },
    ]
    await writeFile(seed, JSON.stringify({ projects }))
    await using google = startCli(seen, ['emulate', 'google', '--seed', seed, '--port', '0'], {})
    await google.printed(/padlock away[^]*entries\.ndjson/)
    const text = google.stdout()
    expect(text).toMatch(/HASP_GCP_SERVICE_ACCOUNT=lender@lending\./)
    expect(text).toMatch(/--key-name projects\/acme-prod\/locations\/europe-west1\/.*\/padlock/)
    expect(text).toContain('{"projectId":"acme-prod"}')
  })

  it('refuses a seed that does not fit, and an option that a seed leaves no meaning', async () => {
    const seed = join(directory, 'misfit.json')
    await writeFile(seed, JSON.stringify({ projects: [{ projectId: 'UPPER' }] }))
    const argv = ['emulate', 'google', '--seed', seed, '--port', '0']
    expect(await runCli(seen, argv, {})).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('/projects/0/projectId'),
    })
    expect(await runCli(seen, [...argv, '--location', 'europe-west1'], {})).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--location.* cannot be used with .*--seed/),
    })
  })

  it('prints only what there is, of a seed without a service account', async () => {
    const seed = join(directory, 'keys-only.json')
    await writeFile(
      seed,
      JSON.stringify({ projects: [{ projectId: 'acme-prod', keys: [{ cryptoKey: 'kek' }] }] }),
    )
    await using google = await emulate('google', '--seed', seed)
    expect(Object.keys(google.answer.environment)).toEqual([
      'HASP_GCP_KMS_ENDPOINT',
      'HASP_GCP_AUTH_ENDPOINT',
      'HASP_GCP_CA_FILE',
    ])
    expect(google.answer.keys).toHaveLength(1)
  })
})

describe('hasp emulate openai and anthropic', () => {
  it.each([
    ['openai', (credential: string) => ({ authorization: `Bearer ${credential}` })],
    ['anthropic', (credential: string) => ({ 'x-api-key': credential, 'anthropic-version': '2023-06-01' })],
  ] as const)('%s accepts the credential that it prints, and no other', async (name, headersOf) => {
    await using provider = await emulate(name)
    const { url, credential, environment } = provider.answer
    if (credential === null) throw new Error('No credential was printed.')
    expect(environment).toEqual({ HASP_ALLOWED_UPSTREAMS: url })
    const status = async (given: string) =>
      (await fetch(`${url}/v1/models`, { headers: headersOf(given) })).status
    expect(await status(credential)).toBe(200)
    expect(await status(`${credential}x`)).toBe(401)
    provider.child.kill('SIGINT')
    expect(await provider.ended()).toMatchObject({ code: 0 })
  })

  it('accepts the credential of a file without printing it', async () => {
    const file = join(directory, 'mock-credential')
    await writeFile(file, 'sk-of-a-file-0123456789', { mode: 0o600 })
    await using provider = await emulate('openai', '--credential-file', file)
    expect(provider.answer.credential).toBeNull()
    const headers = { authorization: 'Bearer sk-of-a-file-0123456789' }
    expect((await fetch(`${provider.answer.url}/v1/models`, { headers })).status).toBe(200)
    expect(provider.stdout()).not.toContain('sk-of-a-file')
  })

  it('says which option to change when the port is taken', async () => {
    await using provider = await emulate('openai')
    const { port } = new URL(provider.answer.url)
    const refused = await runCli(seen, ['emulate', 'anthropic', '--port', port], {})
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('--port') })
    expect(refused.stderr).toContain(`port ${port} of 127.0.0.1 is taken`)
  })
})

async function control(url: string, command: string, input: object): Promise<void> {
  const reply = await fetch(`${url}/_emulator/${command}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(input),
  })
  if (!reply.ok) throw new Error(await reply.text())
}
