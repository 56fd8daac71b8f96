import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createDataDir } from './data-dir.ts'
import { startAwsRelay, type AwsRelay } from './aws-relay.ts'
import { startEchoingProvider } from './echoing-provider.ts'
import type { Surface } from './find-leaks.ts'
import { startSurroundings, type Surroundings } from './lending-hasp.ts'
import { runCli, Seen, startCli, type RunningCli } from './run-cli.ts'

/** A real `bin/hasp serve` at log level trace, with everything that it shows to anybody written down. */
export type WatchedHasp = AsyncDisposable &
  Readonly<{
    process: RunningCli
    url: string
    adminToken: string
    rootSecret: string
    awsSecretAccessKey: string
    databasePasswords: readonly string[]
    dataDir: string
    relay: AwsRelay
    surroundings: Surroundings
    /** A provider that refuses every credential and repeats it. */
    echoOrigin: string
    /** What was answered so far. */
    answers: Surface[]
    /** One request; head and body of its answer are written down. */
    ask: (path: string, init?: AskInit) => Promise<Answer>
    /** A call of the management API with JSON. */
    api: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>
    /** Runs a command of the CLI against it. @returns what it printed */
    cli: (...argv: string[]) => Promise<string>
  }>

export type Answer = Readonly<{ status: number; headers: Headers; text: string }>

type AskInit = Readonly<{
  method?: string
  headers?: Record<string, string>
  body?: string
  signal?: AbortSignal
}>

/** Starts it on its own PostgreSQL, with an emulated AWS behind a relay and mock providers around it. */
export async function startWatchedHasp(env: Record<string, string> = {}): Promise<WatchedHasp> {
  await using stack = new AsyncDisposableStack()
  const surroundings = stack.use(await startSurroundings())
  const relay = stack.use(await startAwsRelay(surroundings.emulator.url))
  const { origin: echoOrigin } = stack.use(await startEchoingProvider())
  const dataDir = stack.use(await createDataDir()).path
  const rootSecret = randomBytes(48).toString('base64')
  const own = await surroundings.aws.ownCredentials?.()
  const seen = new Seen()
  const process = stack.use(
    startCli(seen, ['serve'], {
      ...surroundings.env,
      HASP_ALLOWED_UPSTREAMS: `${surroundings.env['HASP_ALLOWED_UPSTREAMS']},${echoOrigin}`,
      HASP_PORT: '0',
      HASP_DATA_DIR: dataDir,
      HASP_LOG_LEVEL: 'trace',
      HASP_DRAIN_TIMEOUT_MS: '500',
      HASP_SUSPENDED_PROBE_INTERVAL_MS: '100',
      HASP_ROOT_SECRET: rootSecret,
      AWS_ENDPOINT_URL_KMS: relay.url,
      AWS_ENDPOINT_URL_STS: relay.url,
      AWS_ACCESS_KEY_ID: own?.accessKeyId ?? '',
      AWS_SECRET_ACCESS_KEY: own?.secretAccessKey ?? '',
      ...env,
    }),
  )
  await process.printed(/hasp_admin_\w+/)
  const url = /listens on (\S+)/.exec(process.stdout())?.[1] ?? ''
  const adminToken = /hasp_admin_\w+/.exec(process.stdout())?.[0] ?? ''

  const answers: Surface[] = []
  const ask = async (path: string, init: AskInit = {}): Promise<Answer> => {
    const reply = await fetch(url + path, init)
    const text = await reply.text()
    const head = [...reply.headers].map(([name, value]) => `${name}: ${value}`).join('\n')
    answers.push({
      where: `the answer to ${init.method ?? 'GET'} ${path.slice(0, 40)}`,
      text: `${head}\n\n${text}`,
    })
    return { status: reply.status, headers: reply.headers, text }
  }
  const owned = stack.move()
  return {
    process,
    url,
    adminToken,
    rootSecret,
    awsSecretAccessKey: own?.secretAccessKey ?? '',
    databasePasswords: await readPasswords(dataDir),
    dataDir,
    relay,
    surroundings,
    echoOrigin,
    answers,
    ask,
    api: (method, path, body, headers = {}) =>
      ask(`/api/v1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${adminToken}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    async cli(...argv) {
      const result = await runCli(seen, argv, { HASP_URL: url, HASP_TOKEN: adminToken })
      return result.stdout + result.stderr
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function readPasswords(dataDir: string): Promise<string[]> {
  const file: unknown = JSON.parse(await readFile(join(dataDir, 'postgres', 'passwords.json'), 'utf8'))
  return typeof file === 'object' && file !== null ? Object.values(file).map(String) : []
}
