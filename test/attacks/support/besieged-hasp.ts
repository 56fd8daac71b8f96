import { createOrganisation } from '#access/create-organisation.ts'
import { Pool } from 'undici'
import { startAzureSurroundings } from '../../support/azure-surroundings.ts'
import { createTestDatabase } from '../../support/database.ts'
import { startGoogleCustomers, type GoogleCustomers } from '../../support/google-customer.ts'
import { startSurroundings, type Surroundings } from '../../support/lending-hasp.ts'
import { callApi, startHasp, urlOf, type AnyJson, type RunningHasp } from '../../support/running-hasp.ts'
import { DatabaseAttacker } from './database-attacker.ts'

/** Where the KEKs live that guard the credentials under attack. */
export type KekHome = 'aws' | 'azure' | 'gcp' | 'local'

/** One organisation, with two credentials under two KEKs and a virtual key for each scope. */
type Organisation = Readonly<{
  id: string
  adminToken: string
  /** KEK of the target `victim`, in the KMS under test; that of `bystander` is always a local one. */
  victimKekId: string
  bystanderKekId: string
  victimId: string
  bystanderId: string
  /** Every target. */
  agent: Readonly<{ id: string; token: string }>
  /** The bystander alone, one model alone. */
  limited: Readonly<{ id: string; token: string }>
  api: (
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) => ReturnType<typeof callApi>
}>

type ProxyReply = Readonly<{ status: number; code: string | undefined; text: string }>

export type Besieged = AsyncDisposable &
  Readonly<{
    hasp: RunningHasp
    surroundings: Surroundings
    /** Where the KEKs are in Azure. */
    azure: Customers['azure']
    a: Organisation
    b: Organisation
    attacker: DatabaseAttacker
    /** A chat completion; `code` is Hasp's, where Hasp refused. */
    call: (token: string, target?: string, model?: string) => Promise<ProxyReply>
    /** How many requests the provider has seen since the start. */
    providerRequests: () => number
    /** Log lines that say a stored record was tampered with. */
    alarms: () => { table: string; id?: string }[]
  }>

/** A Hasp with two organisations, and somebody who holds its database. */
export async function startBesiegedHasp(
  home: KekHome,
  options: { kekRules?: Record<string, unknown>; env?: Record<string, string> } = {},
): Promise<Besieged> {
  await using stack = new AsyncDisposableStack()
  const surroundings = stack.use(await startSurroundings())
  const google = home === 'gcp' ? stack.use(await startGoogleCustomers()) : undefined
  const azure = home === 'azure' ? stack.use(await startAzureSurroundings()) : undefined
  const database = stack.use(await createTestDatabase())
  const hasp = stack.use(
    await startHasp(
      { ...surroundings.env, ...google?.env, ...options.env },
      {
        aws: surroundings.aws,
        databaseUrl: urlOf(database.connection),
        ...(azure === undefined ? {} : { azure: azure.azure }),
      },
    ),
  )
  const { database: db, ring } = hasp.context
  const second = await createOrganisation(
    { db, ring, now: () => new Date() },
    { name: 'second', actor: 'test' },
  )
  const kekRules = options.kekRules ?? {}
  const customers = { google, azure }
  const a = await furnish(hasp, surroundings, customers, { ...hasp, adminToken: hasp.token, home, kekRules })
  const b = await furnish(hasp, surroundings, customers, {
    ...second,
    adminToken: second.token,
    home,
    kekRules,
  })
  const credentials = [a, b].flatMap(({ id }) => [credentialOf(id, 'victim'), credentialOf(id, 'bystander')])
  surroundings.openai.setAcceptedCredentials(credentials)
  const pool = new Pool(hasp.url, { connections: 8 })
  stack.defer(() => pool.destroy())
  const attacker = stack.use(await DatabaseAttacker.connect(urlOf(database.connection)))
  const owned = stack.move()
  return {
    hasp,
    surroundings,
    azure,
    a,
    b,
    attacker,
    call: (token, target = 'victim', model = 'gpt-5') => chat(pool, token, target, model),
    providerRequests: () => surroundings.openai.requestCount(),
    alarms: () =>
      hasp.logLines.map((line) => JSON.parse(line)).filter((line) => line.msg.includes('was tampered with')),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** No two targets have the same credential. */
export function credentialOf(orgId: string, target: string): string {
  return `sk-test-${target}-${orgId.replaceAll('-', '')}`
}

/** The KMS under test, where it is not AWS. */
type Customers = Readonly<{
  google: GoogleCustomers | undefined
  azure: Awaited<ReturnType<typeof startAzureSurroundings>> | undefined
}>

async function furnish(
  hasp: RunningHasp,
  surroundings: Surroundings,
  { google, azure }: Customers,
  org: { orgId: string; adminToken: string; home: KekHome; kekRules: Record<string, unknown> },
): Promise<Organisation> {
  const api: Organisation['api'] = (...request) => callApi(hasp.url, org.adminToken, ...request)
  const made = async (path: string, body: unknown): Promise<AnyJson> => {
    const reply = await api('POST', path, body)
    if (reply.status !== 201) throw new Error(`${path}: ${JSON.stringify(reply.body)}`)
    return reply.body
  }
  const registered =
    google !== undefined
      ? await google.registerKek((key) => made('/keks', { ...key, ...org.kekRules }))
      : azure !== undefined
        ? await azure.registerKek((key) => made('/keks', { ...key, ...org.kekRules }))
        : org.home === 'aws'
          ? await registerAwsKek(surroundings, org.orgId, (key) => made('/keks', { ...key, ...org.kekRules }))
          : await made('/keks', { name: 'main', provider: 'local', ...org.kekRules })
  const side = await made('/keks', { name: 'side', provider: 'local' })
  for (const { id } of [registered, side]) {
    const { body } = await api('POST', `/keks/${id}/verify`)
    if (!body.isPassed) throw new Error(JSON.stringify(body))
  }
  const target = (name: string, kekId: string) =>
    made('/api-targets', {
      name,
      kekId,
      provider: 'openai',
      baseUrl: surroundings.openai.origin,
      credential: credentialOf(org.orgId, name),
      validate: false,
    })
  const victim = await target('victim', registered.id)
  const bystander = await target('bystander', side.id)
  const agent = await made('/virtual-keys', { name: 'agent', targetIds: 'all' })
  const limited = await made('/virtual-keys', {
    name: 'limited',
    targetIds: [bystander.id],
    models: ['gpt-5'],
    expiresAt: '2099-01-01T00:00:00Z',
  })
  return {
    id: org.orgId,
    adminToken: org.adminToken,
    victimKekId: registered.id,
    bystanderKekId: side.id,
    victimId: victim.id,
    bystanderId: bystander.id,
    agent,
    limited,
    api,
  }
}

/** A customer's account with a key and a role of its own; the grant follows once Hasp has told its ExternalId. */
async function registerAwsKek(
  { emulator: { control }, env }: Surroundings,
  orgId: string,
  register: (access: object) => Promise<AnyJson>,
): Promise<AnyJson> {
  const { accountId } = control.createAccount()
  const { keyArn } = control.createKey({ accountId })
  const principalArn = env['HASP_AWS_PRINCIPAL_ARN'] ?? ''
  const trust = (externalId: string) => ({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: principalArn },
        Action: 'sts:AssumeRole',
        Condition: { StringEquals: { 'sts:ExternalId': externalId } },
      },
    ],
  })
  const use = {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Action: ['kms:Encrypt', 'kms:Decrypt'],
        Resource: keyArn,
        Condition: { StringEquals: { 'kms:EncryptionContext:hasp:org': orgId } },
      },
      { Effect: 'Allow', Action: 'kms:DescribeKey', Resource: keyArn },
    ],
  }
  const role = control.createRole({
    accountId,
    name: 'hasp-lends',
    trustPolicy: trust('nobody-yet'),
    policies: [use],
  })
  const kek = await register({ name: 'main', provider: 'aws', keyArn, roleArn: role.arn })
  control.putTrustPolicy({ roleArn: role.arn, trustPolicy: trust(kek.access.externalId) })
  return kek
}

async function chat(pool: Pool, token: string, target: string, model: string): Promise<ProxyReply> {
  const reply = await pool.request({
    method: 'POST',
    path: '/openai/v1/chat/completions',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      ...(target === '' ? {} : { 'x-hasp-target': target }),
    },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] }),
  })
  const code = reply.headers['x-hasp-error']
  return {
    status: reply.statusCode,
    code: typeof code === 'string' ? code : undefined,
    text: await reply.body.text(),
  }
}
