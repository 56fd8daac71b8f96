import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { ApiClient } from '#cli/api/client.ts'
import { readVersion } from '#cli/version.ts'
import { loadConfig } from '#config/load-config.ts'
import { startAwsEmulator, type AwsEmulator } from '#emulators/aws/aws-emulator.ts'
import { startMockAnthropic } from '#emulators/llm/anthropic.ts'
import type { MockProvider } from '#emulators/llm/mock-provider.ts'
import { startMockOpenai } from '#emulators/llm/openai.ts'
import { createLog } from '#telemetry/log.ts'
import { openCustomerAccount, type Customer } from './customer.ts'

/** A provider that demands one credential, which only the demo and the provider know. */
export type Upstream = Readonly<{ provider: MockProvider; credential: string }>

/** Everything that the demo plays with, all of it on this machine and gone afterwards. */
export type Scene = AsyncDisposable &
  Readonly<{
    aws: AwsEmulator
    customer: Customer
    openai: Upstream
    anthropic: Upstream
    hasp: Readonly<{ url: string; api: ApiClient; orgId: string; startMs: number; log: readonly string[] }>
    /** What must never be printed or logged. */
    secrets: readonly string[]
  }>

const region = 'eu-central-1'
const host = '127.0.0.1'
/** How often Hasp asks by itself whether the KEK may be used, so that a demo need not wait a minute. */
export const probeIntervalMs = 500

/** @throws the reason of `interrupted`, after what was started has been stopped. */
export async function setScene(interrupted: AbortSignal): Promise<Scene> {
  await using stack = new AsyncDisposableStack()
  const aws = stack.use(await startAwsEmulator({ region, host }))
  const customer = stack.use(openCustomerAccount(aws, region))
  const openai = await startUpstream(stack, startMockOpenai, 'sk-demo-')
  const anthropic = await startUpstream(stack, startMockAnthropic, 'sk-ant-demo-')
  interrupted.throwIfAborted()
  const hasp = await startHasp(stack, aws, [openai, anthropic])
  interrupted.throwIfAborted()
  const owned = stack.move()
  return {
    aws,
    customer,
    openai,
    anthropic,
    hasp,
    secrets: [openai.credential, anthropic.credential, customer.secret, ...hasp.secrets],
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function startUpstream(
  stack: AsyncDisposableStack,
  start: typeof startMockOpenai,
  prefix: string,
): Promise<Upstream> {
  const credential = prefix + randomBytes(24).toString('hex')
  return { provider: stack.use(await start({ host, acceptedCredentials: [credential] })), credential }
}

/** A whole Hasp on a PostgreSQL of its own, as `hasp serve` starts it, with the user of its own AWS account. */
async function startHasp(stack: AsyncDisposableStack, aws: AwsEmulator, upstreams: readonly Upstream[]) {
  const startedAtMs = performance.now()
  const account = aws.control.createAccount()
  const { arn, accessKey } = aws.control.createUser({
    accountId: account.accountId,
    name: 'hasp',
    policies: [
      {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: '*' }],
      },
    ],
  })
  const dataDir = await mkdtemp(join(tmpdir(), 'hasp-demo-'))
  stack.defer(() => rm(dataDir, { recursive: true, force: true }))
  const log: string[] = []
  const { createContext } = await import('#context.ts')
  const context = stack.use(
    await createContext({
      config: loadConfig({
        HASP_DATA_DIR: dataDir,
        HASP_AWS_PRINCIPAL_ARN: arn,
        HASP_ALLOWED_UPSTREAMS: upstreams.map(({ provider }) => provider.origin).join(','),
        HASP_SUSPENDED_PROBE_INTERVAL_MS: String(probeIntervalMs / 2),
        HASP_DRAIN_TIMEOUT_MS: '0',
      }),
      log: createLog('info', linesInto(log)),
      version: await readVersion(),
      aws: {
        kmsEndpoint: () => aws.url,
        stsEndpoint: () => aws.url,
        ownCredentials: async () => accessKey,
      },
    }),
  )
  if (context.firstOrganisation === null) throw new Error('A new Hasp has no organisation.')
  const { orgId, token } = context.firstOrganisation
  const url = await context.server.listen({ port: 0, host })
  return {
    url,
    api: new ApiClient({ url, token }),
    orgId,
    log,
    startMs: performance.now() - startedAtMs,
    secrets: [token, accessKey.secretAccessKey],
  }
}

function linesInto(log: string[]): Writable {
  return new Writable({
    write(chunk: Buffer, _, done) {
      log.push(chunk.toString().trimEnd())
      done()
    },
  })
}
