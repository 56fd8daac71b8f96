import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { loadConfig } from '#config/load-config.ts'
import { createLog } from '#telemetry/log.ts'
import { createContext, type Context, type ContextOptions } from '../../src/context.ts'
import type { Connection } from '#db/connection.ts'
import { createTestDatabase } from './database.ts'

export type RunningHasp = AsyncDisposable &
  Readonly<{
    url: string
    token: string
    orgId: string
    context: Context
    /** Every line that the service logged so far. */
    logLines: string[]
    api: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<ApiReply>
  }>

/** JSON under test: each test says itself what it expects of it. */
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyJson = any

type ApiReply = Readonly<{ status: number; headers: Headers; body: AnyJson }>

/** A whole Hasp on a database of its own, listening on a free port. */
export async function startHasp(
  env: Record<string, string> = {},
  options: Partial<Omit<ContextOptions, 'config' | 'log'>> & { logLevel?: string; databaseUrl?: string } = {},
): Promise<RunningHasp> {
  await using stack = new AsyncDisposableStack()
  const dataDir = await mkdtemp(join(tmpdir(), 'hasp-running-'))
  stack.defer(() => rm(dataDir, { recursive: true, force: true }))
  const databaseUrl = options.databaseUrl ?? urlOf(stack.use(await createTestDatabase()).connection)
  const config = loadConfig({
    HASP_DATA_DIR: dataDir,
    HASP_PORT: '0',
    DATABASE_URL: databaseUrl,
    HASP_DRAIN_TIMEOUT_MS: '500',
    ...env,
  })
  const logLines: string[] = []
  const sink = new Writable({
    write(chunk: Buffer, _, done) {
      logLines.push(...chunk.toString().trim().split('\n'))
      done()
    },
  })
  const context = stack.use(
    await createContext({
      version: 'test',
      ...options,
      config,
      log: createLog(options.logLevel ?? 'info', sink),
    }),
  )
  const url = await context.server.listen({ port: 0, host: '127.0.0.1' })
  const token = context.firstOrganisation?.token ?? ''
  const owned = stack.move()
  return {
    url,
    token,
    orgId: context.firstOrganisation?.orgId ?? '',
    context,
    logLines,
    api: (method, path, body, headers = {}) => callApi(url, token, method, path, body, headers),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** A `DATABASE_URL`, also for a server on a unix socket. */
export function urlOf(connection: Connection): string {
  if (typeof connection === 'string') return connection
  const { user, password, host, port, database } = connection
  const place = `localhost/${database}?host=${encodeURIComponent(host)}&port=${port}`
  return `postgresql://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${place}`
}

/** One call of the management API. */
export async function callApi(
  url: string,
  token: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<ApiReply> {
  const reply = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await reply.text()
  return { status: reply.status, headers: reply.headers, body: text === '' ? null : JSON.parse(text) }
}
