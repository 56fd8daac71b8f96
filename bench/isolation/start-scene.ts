import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { connectAwsEmulator, type AwsEmulatorClient } from '#emulators/aws/control/control-client.ts'
import { ownPolicies, trust, wrapAndUnwrap } from '../hasp/aws-policies.ts'
import { managementApi, type ManagementApi } from '../hasp/management-api.ts'
import { registerKek } from '../hasp/register-kek.ts'
import { serveNewHasp } from '../hasp/serve-hasp.ts'
import { startMockProvider } from '../hasp/start-mock-provider.ts'
import { startServer } from '../proxy/child-process.ts'

const executable = new URL('../../bin/hasp', import.meta.url).pathname
const credential = 'sk-bench-isolation-credential'

/** An organisation with a KEK in an AWS account of its own, lending. */
type Organisation = Readonly<{ virtualKey: string; keyArn: string }>

/** Two organisations on one Hasp; its KMS, its provider and Hasp itself each a process of its own. */
export type Scene = Readonly<{ haspUrl: string; awsUrl: string; a: Organisation; b: Organisation }>

export async function startScene(stack: AsyncDisposableStack): Promise<Scene> {
  const { origin } = await startMockProvider(stack, {
    name: 'openai',
    acceptedCredentials: [credential],
    chunkDelayMs: 0,
    tls: null,
  })
  const script = new URL('aws-weather.ts', import.meta.url)
  const { url: awsUrl } = await startServer(stack, script, [], { isTested: false })
  const command = connectAwsEmulator(awsUrl)
  const { accountId } = await command('create-account', {})
  const own = await command('create-user', {
    accountId,
    name: 'hasp',
    policies: ownPolicies,
  })
  const dataDir = await mkdtemp(join(tmpdir(), 'hasp-bench-isolation-'))
  stack.defer(() => rm(dataDir, { recursive: true, force: true }))
  const env = {
    HASP_DATA_DIR: dataDir,
    HASP_ALLOWED_UPSTREAMS: origin,
    HASP_AWS_PRINCIPAL_ARN: own.arn,
    HASP_LOG_LEVEL: 'error',
    AWS_ENDPOINT_URL_KMS: awsUrl,
    AWS_ENDPOINT_URL_STS: awsUrl,
    AWS_ACCESS_KEY_ID: own.accessKey.accessKeyId,
    AWS_SECRET_ACCESS_KEY: own.accessKey.secretAccessKey,
  }
  const hasp = await serveNewHasp(stack, env)
  const created = await promisify(execFile)(executable, ['org', 'create', 'b', '--quiet'], {
    env: { ...process.env, ...env },
  })
  const lend = (token: string) => lending(managementApi(hasp.url, token), command, own.arn, origin)
  return {
    haspUrl: hasp.url,
    awsUrl,
    a: await lend(hasp.token),
    b: await lend(created.stdout.trim()),
  }
}

async function lending(
  api: ManagementApi,
  command: AwsEmulatorClient,
  principal: string,
  baseUrl: string,
): Promise<Organisation> {
  const { accountId } = await command('create-account', {})
  const { arn: roleArn } = await command('create-role', {
    accountId,
    name: 'hasp-lends',
    trustPolicy: trust(principal, 'nobody-yet'),
  })
  const { keyArn } = await command('create-key', { accountId })
  const grant = async (externalId: string, orgId: string) => {
    await command('put-trust-policy', { roleArn, trustPolicy: trust(principal, externalId) })
    const policies = wrapAndUnwrap(keyArn, orgId)
    await command('put-policies', { principalArn: roleArn, policies })
  }
  const kekId = await registerKek(api, { keyArn, roleArn, grant }, 'strict')
  await api('POST', '/api-targets', { name: 'openai', provider: 'openai', baseUrl, kekId, credential })
  const issued = await api('POST', '/virtual-keys', { name: 'agent', targetIds: 'all' })
  return { virtualKey: String(issued['token']), keyArn }
}
