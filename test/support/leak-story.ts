import { randomBytes } from 'node:crypto'
import type { Secret } from '../../bench/residue/secret-forms.ts'
import { superuserOf } from './data-dir-database.ts'
import { waitUntil } from './data-dir.ts'
import { runStatement } from './database-admin.ts'
import { anthropicCredential, openaiCredential } from './lending-hasp.ts'
import type { Answer, WatchedHasp } from './watched-hasp.ts'

/** What the story used, and which one answer was allowed to show the virtual key. */
export type LeakStory = Readonly<{ secrets: Secret[]; issued: Answer; virtualKey: string }>

const chat = { model: 'gpt-5', messages: [{ role: 'user', content: 'Hello' }] }

/** Everything that can go right or wrong with a secret in hand; `hasp` writes down what it shows of it. */
export async function tellLeakStory(hasp: WatchedHasp): Promise<LeakStory> {
  const credentials = {
    openai: openaiCredential,
    anthropic: anthropicCredential,
    rejected: randomSecret('sk-'),
    echoed: randomSecret('sk-'),
    malformed: randomSecret('sk-'),
    inWrongMember: randomSecret('sk-'),
    inWrongType: randomSecret('sk-'),
    escaped: randomSecret('sk-'),
    inUrl: randomSecret('sk-'),
    ofCaller: randomSecret('sk-'),
  }
  const kekId = await registerKek(hasp)
  const { issued, virtualKey, openaiTarget } = await lend(hasp, kekId, credentials)
  await giveBadly(hasp, kekId, credentials)
  await callBadly(hasp, virtualKey, credentials)
  await loseProvider(hasp, virtualKey, openaiTarget)
  await loseKek(hasp, virtualKey, kekId)
  await loseDatabase(hasp, virtualKey)
  return { secrets: secretsOf(hasp, credentials, virtualKey), issued, virtualKey }
}

type Credentials = Readonly<Record<string, string>>

async function registerKek({ api, surroundings }: WatchedHasp): Promise<string> {
  const { keyArn, roleArn, grant } = surroundings
  const kek = jsonOf(await api('POST', '/keks', { name: 'main', provider: 'aws', keyArn, roleArn }), 201)
  // Not granted yet: the customer's AWS refuses, and what it says is handed on.
  jsonOf(await api('POST', `/keks/${kek.id}/verify`), 200)
  const organisation = jsonOf(await api('GET', '/organisation'), 200)
  grant(kek.access.externalId, organisation.id)
  const verification = jsonOf(await api('POST', `/keks/${kek.id}/verify`), 200)
  if (!verification.isPassed) throw new Error(JSON.stringify(verification))
  return kek.id
}

/** All that goes well: targets, virtual key, replays of both, calls plain and streaming, rotation, test. */
async function lend(hasp: WatchedHasp, kekId: string, credentials: Credentials) {
  const { api, surroundings, echoOrigin } = hasp
  const { origin } = surroundings.openai
  const target = {
    name: 'openai',
    provider: 'openai',
    baseUrl: origin,
    kekId,
    credential: credentials['openai'],
  }
  const once = { 'idempotency-key': 'store-openai' }
  const openaiTarget = jsonOf(await api('POST', '/api-targets', target, once), 201)
  jsonOf(await api('POST', '/api-targets', target, once), 201)
  jsonOf(await api('POST', '/api-targets', { ...target, credential: randomSecret('sk-') }, once), 422)
  const anthropic = { provider: 'anthropic', baseUrl: surroundings.anthropic.origin }
  jsonOf(
    await api('POST', '/api-targets', {
      ...target,
      ...anthropic,
      name: 'anthropic',
      credential: credentials['anthropic'],
    }),
    201,
  )
  const echoing = { ...target, name: 'echoing', baseUrl: echoOrigin, credential: credentials['echoed'] }
  jsonOf(await api('POST', '/api-targets', echoing), 422)
  const echoTarget = jsonOf(await api('POST', '/api-targets', { ...echoing, validate: false }), 201)
  jsonOf(await api('POST', `/api-targets/${openaiTarget.id}/test`), 200)
  jsonOf(await api('POST', `/api-targets/${echoTarget.id}/test`), 200)
  jsonOf(await api('PATCH', `/api-targets/${openaiTarget.id}`, { credential: credentials['openai'] }), 200)

  const wanted = { name: 'agent', targetIds: 'all' }
  const issued = await api('POST', '/virtual-keys', wanted, { 'idempotency-key': 'issue-agent' })
  const virtualKey = jsonOf(issued, 201).token
  jsonOf(await api('POST', '/virtual-keys', wanted, { 'idempotency-key': 'issue-agent' }), 201)

  expectStatus(await callOpenai(hasp, virtualKey), 200)
  expectStatus(await callOpenai(hasp, virtualKey, { stream: true }), 200)
  expectStatus(await callAnthropic(hasp, virtualKey), 200)
  // Its provider answers 401 and repeats the credential, whole.
  expectStatus(await callOpenai(hasp, virtualKey, {}, { 'x-hasp-target': 'echoing' }), 502)
  return { issued, virtualKey, openaiTarget: openaiTarget.id }
}

/** Credentials where, or in a form in which, none is taken. */
async function giveBadly({ api, ask }: WatchedHasp, kekId: string, credentials: Credentials): Promise<void> {
  const base = { name: 'bad', provider: 'openai', kekId, validate: false }
  const text = (more: object) => JSON.stringify({ ...base, ...more })
  const { rejected, malformed, inWrongMember, inWrongType, escaped = '', inUrl = '' } = credentials
  const refused = async (status: number, body: string) =>
    expectStatus(await api('POST', '/api-targets', body), status)
  await refused(422, text({ credential: rejected, validate: true, baseUrl: 'https://192.0.2.1/v1' }))
  await refused(400, text({ credential: malformed }).replace('"kekId":', '"kekId"'))
  await refused(400, text({ credential: malformed }).slice(0, -9))
  await refused(400, text({ apiKey: inWrongMember }))
  await refused(400, text({ credential: { value: inWrongType } }))
  await refused(400, text({ credential: [inWrongType] }))
  await refused(400, text({ credential: '-' }).replace('"-"', `"\\u0073${escaped.slice(1)}"`))
  await refused(400, text({ credential: '-' }).replace('"credential":"-"', `"cr\\u0065dential":"${escaped}"`))
  expectStatus(await api('GET', `/api-targets/${inUrl}`), 400)
  expectStatus(await api('GET', `/api-targets?credential=${inUrl}&cursor=${inUrl}`), 400)
  expectStatus(await ask(`/nowhere/${inUrl}?token=${inUrl}`), 404)
}

/** Calls without a right to them, and with secrets in the wrong places. */
async function callBadly(hasp: WatchedHasp, virtualKey: string, credentials: Credentials): Promise<void> {
  const { api, ask, adminToken } = hasp
  const stranger = credentials['ofCaller'] ?? ''
  expectStatus(await callOpenai(hasp, stranger), 401)
  expectStatus(await callOpenai(hasp, adminToken), 401)
  expectStatus(await callAnthropic(hasp, `${virtualKey.slice(0, -1)}_`), 401)
  expectStatus(await api('GET', '/organisation', undefined, { authorization: `Bearer ${virtualKey}` }), 401)
  expectStatus(await api('GET', '/organisation', undefined, { authorization: `Bearer ${stranger}` }), 401)
  const two = { authorization: `Bearer ${virtualKey}`, 'x-api-key': stranger }
  await ask('/openai/v1/chat/completions', { method: 'POST', headers: two, body: JSON.stringify(chat) })
  expectStatus(await callOpenai(hasp, virtualKey, { model: 'unknown-model' }), 404)
  await ask(`/openai/v1/models?key=${stranger}&api-version=1`, {
    headers: { authorization: `Bearer ${virtualKey}` },
  })
  const cut = new AbortController()
  const call = callOpenai(hasp, virtualKey, { stream: true }, {}, cut.signal).catch(() => {})
  setTimeout(() => cut.abort(), 8)
  await call
}

async function loseProvider(hasp: WatchedHasp, virtualKey: string, targetId: string): Promise<void> {
  const { openai } = hasp.surroundings
  openai.setAcceptedCredentials([])
  expectStatus(await callOpenai(hasp, virtualKey), 502)
  jsonOf(await hasp.api('POST', `/api-targets/${targetId}/test`), 200)
  openai.setAcceptedCredentials([openaiCredential])
  expectStatus(await callOpenai(hasp, virtualKey), 200)
}

/** Every way in which the customer's KMS says no, withdrawal last. */
async function loseKek(hasp: WatchedHasp, virtualKey: string, kekId: string): Promise<void> {
  const { control } = hasp.surroundings.emulator
  for (const type of ['malformed-body', 'wrong-key-id', 'reset', 'reset-reply'] as const) {
    control.injectFault({ operation: 'Decrypt', effect: { type }, times: 4 })
    await callOpenai(hasp, virtualKey)
    control.clearFaults()
  }
  for (const code of ['ThrottlingException', 'InvalidCiphertextException', 'KMSInternalException']) {
    control.injectFault({ operation: 'Decrypt', effect: { type: 'error', code }, times: 4 })
    await callOpenai(hasp, virtualKey)
    control.clearFaults()
  }
  await waitUntil(async () => (await callOpenai(hasp, virtualKey)).status === 200)
  control.setKeyState({ keyId: hasp.surroundings.keyArn, state: 'Disabled' })
  expectStatus(await callOpenai(hasp, virtualKey), 403)
  expectStatus(await callAnthropic(hasp, virtualKey), 403)
  jsonOf(await hasp.api('POST', `/keks/${kekId}/verify`), 200)
  control.setKeyState({ keyId: hasp.surroundings.keyArn, state: 'Enabled' })
  await waitUntil(async () => (await callOpenai(hasp, virtualKey)).status === 200)
}

/** Every connection to the database is cut under load: what fails then is nobody's refusal, and logged as such. */
async function loseDatabase(hasp: WatchedHasp, virtualKey: string): Promise<void> {
  const superuser = await superuserOf(hasp.dataDir)
  const calls = Array.from({ length: 20 }, () => callOpenai(hasp, virtualKey))
  const stores = Array.from({ length: 5 }, () => hasp.api('GET', '/api-targets'))
  await runStatement(
    superuser,
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'hasp%'",
  )
  await Promise.all([...calls, ...stores])
  await waitUntil(async () => (await callOpenai(hasp, virtualKey)).status === 200)
}

function callOpenai(
  { ask }: WatchedHasp,
  bearer: string,
  more: object = {},
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Answer> {
  return ask('/openai/v1/chat/completions', {
    method: 'POST',
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ ...chat, ...more }),
    ...(signal === undefined ? {} : { signal }),
  })
}

function callAnthropic({ ask }: WatchedHasp, virtualKey: string): Promise<Answer> {
  return ask('/anthropic/v1/messages', {
    method: 'POST',
    headers: {
      'x-api-key': virtualKey,
      'anthropic-version': '2023-06-01',
      'content-type': 'application/json',
    },
    body: JSON.stringify({ ...chat, model: 'claude-opus-5', max_tokens: 8 }),
  })
}

function secretsOf(hasp: WatchedHasp, credentials: Credentials, virtualKey: string): Secret[] {
  const { relay, rootSecret, adminToken, awsSecretAccessKey, databasePasswords } = hasp
  const texts = (kind: Secret['kind'], named: Record<string, string>): Secret[] =>
    Object.entries(named).map(([name, text]) => ({ name, kind, bytes: Buffer.from(text) }))
  return [
    ...texts('credential', credentials),
    ...texts('virtual-key', { 'virtual key': virtualKey }),
    ...texts('admin-token', { 'admin token': adminToken }),
    ...texts('service-secret', {
      'root secret, in base64': rootSecret,
      'AWS secret access key': awsSecretAccessKey,
    }),
    ...texts(
      'service-secret',
      Object.fromEntries(relay.sessionSecrets.map((text, n) => [`AWS session ${n}`, text])),
    ),
    ...texts(
      'service-secret',
      Object.fromEntries(databasePasswords.map((text, n) => [`password ${n}`, text])),
    ),
    { name: 'root secret', kind: 'service-secret', bytes: Buffer.from(rootSecret, 'base64') },
    ...relay.deks.map((bytes, n) => ({ name: `DEK ${n}`, kind: 'dek', bytes }) as const),
  ]
}

function randomSecret(prefix: string): string {
  return `${prefix}${randomBytes(36).toString('hex')}`
}

/** What the story reads of the API's answers; each has some of it. */
type Reply = Readonly<{
  id: string
  token: string
  isPassed: boolean
  access: Readonly<{ externalId: string }>
}>

/** The body of an answer whose status must be this. */
function jsonOf(answer: Answer, status: number): Reply {
  expectStatus(answer, status)
  // The API's own schemas promise these members where the story reads them.
  return JSON.parse(answer.text) as Reply
}

function expectStatus({ status, text }: Answer, expected: number): void {
  if (status !== expected) throw new Error(`Expected ${expected}, got ${status}: ${text}`)
}
