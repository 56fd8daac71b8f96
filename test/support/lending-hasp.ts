import type { AwsEmulator } from '#emulators/aws/aws-emulator.ts'
import { startAwsEmulator } from '#emulators/aws/aws-emulator.ts'
import { startMockAnthropic } from '#emulators/llm/anthropic.ts'
import type { MockProvider } from '#emulators/llm/mock-provider.ts'
import { startMockOpenai } from '#emulators/llm/openai.ts'
import type { AwsDeployment } from '#kms/aws/aws-clients.ts'
import { startHasp, type AnyJson, type RunningHasp } from './running-hasp.ts'

export const openaiCredential = 'sk-test-openai-5f0c1b7a9d3e4f6081726354'
export const anthropicCredential = 'sk-ant-test-9a8b7c6d5e4f30211203f4e5d6c7'

/** The customer's and the providers' side of the story, all on this machine. */
export type Surroundings = AsyncDisposable &
  Readonly<{
    emulator: AwsEmulator
    keyArn: string
    roleArn: string
    aws: Partial<AwsDeployment>
    openai: MockProvider
    anthropic: MockProvider
    /** What the customer does once Hasp has told its ExternalId and organisation. */
    grant: (externalId: string, orgId: string) => void
    env: Record<string, string>
  }>

/** An emulated AWS with Hasp's account and a customer's, and mock providers that demand their credentials. */
export async function startSurroundings(): Promise<Surroundings> {
  await using stack = new AsyncDisposableStack()
  const emulator = stack.use(await startAwsEmulator({ region: 'eu-central-1' }))
  const openai = stack.use(await startMockOpenai({ acceptedCredentials: [openaiCredential] }))
  const anthropic = stack.use(await startMockAnthropic({ acceptedCredentials: [anthropicCredential] }))
  const { control } = emulator
  const haspAccount = control.createAccount()
  const own = control.createUser({
    accountId: haspAccount.accountId,
    name: 'hasp',
    policies: [allow({ Action: 'sts:AssumeRole', Resource: '*' })],
  })
  const customer = control.createAccount()
  const role = control.createRole({
    accountId: customer.accountId,
    name: 'hasp-lends',
    trustPolicy: trust(own.arn, 'nobody-yet'),
    policies: [],
  })
  const { keyArn } = control.createKey({ accountId: customer.accountId })
  const owned = stack.move()
  return {
    emulator,
    keyArn,
    roleArn: role.arn,
    aws: {
      kmsEndpoint: () => emulator.url,
      stsEndpoint: () => emulator.url,
      ownCredentials: async () => own.accessKey,
    },
    openai,
    anthropic,
    grant(externalId, orgId) {
      control.putTrustPolicy({ roleArn: role.arn, trustPolicy: trust(own.arn, externalId) })
      control.putPolicies({
        principalArn: role.arn,
        policies: [
          allow({
            Action: ['kms:Encrypt', 'kms:Decrypt'],
            Resource: keyArn,
            Condition: { StringEquals: { 'kms:EncryptionContext:hasp:org': orgId } },
          }),
          allow({ Action: 'kms:DescribeKey', Resource: keyArn }),
        ],
      })
    },
    env: { HASP_ALLOWED_UPSTREAMS: `${openai.origin},${anthropic.origin}`, HASP_AWS_PRINCIPAL_ARN: own.arn },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

export type Lending = Readonly<{
  kekId: string
  openaiTargetId: string
  anthropicTargetId: string
  virtualKey: string
  virtualKeyId: string
}>

/** Registers and verifies the KEK, stores a target for each provider and issues a virtual key, all over the API. */
export async function setUpLending(
  hasp: RunningHasp,
  surroundings: Surroundings,
  kekRules: Record<string, unknown> = {},
): Promise<Lending> {
  const { keyArn, roleArn, openai, anthropic } = surroundings
  const kek = await made(
    hasp.api('POST', '/keks', { name: 'main', provider: 'aws', keyArn, roleArn, ...kekRules }),
  )
  surroundings.grant(kek.access.externalId, hasp.orgId)
  const verification = await hasp.api('POST', `/keks/${kek.id}/verify`)
  if (verification.body?.isPassed !== true) throw new Error(JSON.stringify(verification.body))
  const openaiTarget = await made(
    hasp.api('POST', '/api-targets', {
      name: 'openai',
      provider: 'openai',
      baseUrl: openai.origin,
      kekId: kek.id,
      credential: openaiCredential,
    }),
  )
  const anthropicTarget = await made(
    hasp.api('POST', '/api-targets', {
      name: 'anthropic',
      provider: 'anthropic',
      baseUrl: anthropic.origin,
      kekId: kek.id,
      credential: anthropicCredential,
    }),
  )
  const issued = await made(hasp.api('POST', '/virtual-keys', { name: 'agent', targetIds: 'all' }))
  return {
    kekId: kek.id,
    openaiTargetId: openaiTarget.id,
    anthropicTargetId: anthropicTarget.id,
    virtualKey: issued.token,
    virtualKeyId: issued.id,
  }
}

/** A Hasp that lends, with everything around it. */
export async function startLendingHasp(
  options: { kekRules?: Record<string, unknown>; env?: Record<string, string>; logLevel?: string } = {},
): Promise<AsyncDisposable & Readonly<{ hasp: RunningHasp; surroundings: Surroundings; lending: Lending }>> {
  await using stack = new AsyncDisposableStack()
  const surroundings = stack.use(await startSurroundings())
  const hasp = stack.use(
    await startHasp(
      { ...surroundings.env, ...options.env },
      { aws: surroundings.aws, ...(options.logLevel === undefined ? {} : { logLevel: options.logLevel }) },
    ),
  )
  const lending = await setUpLending(hasp, surroundings, options.kekRules)
  const owned = stack.move()
  return { hasp, surroundings, lending, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** The body of a reply that must be 201. */
async function made(reply: ReturnType<RunningHasp['api']>): Promise<AnyJson> {
  const { status, body } = await reply
  if (status !== 201) throw new Error(`Expected 201, got ${status}: ${JSON.stringify(body)}`)
  return body
}

function allow(statement: object) {
  return { Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...statement }] }
}

function trust(principalArn: string, externalId: string) {
  return allow({
    Principal: { AWS: principalArn },
    Action: 'sts:AssumeRole',
    Condition: { StringEquals: { 'sts:ExternalId': externalId } },
  })
}
