import type { IssuedVirtualKey, Kek, Target, Verification } from '#cli/api/replies.ts'
import { probeIntervalMs, type Scene, type Upstream } from './scene.ts'
import { demand, type Screen } from './screen.ts'

/** What the agents are given in the end, and the KEK that everything hangs on. */
export type Lent = Readonly<{ kekId: string; virtualKey: string }>

/** The customer grants, Hasp proves the grant, the credentials are sealed under it, an agent gets a virtual key. */
export async function registerPadlock(screen: Screen, scene: Scene): Promise<Lent> {
  const { customer, hasp, openai, anthropic } = scene
  const { api } = hasp
  screen.act(
    'The padlock: a key in the customer’s own AWS account',
    'Hasp makes an ExternalId and says what to grant. It gets nothing more than this:',
  )
  const kek = await api.send<Kek>('POST', '/keks', {
    name: 'padlock',
    provider: 'aws',
    keyArn: customer.keyArn,
    roleArn: customer.roleArn,
    probeIntervalMs,
  })
  const documents = kek.grant?.documents ?? []
  screen.facts([
    ['key', customer.keyArn],
    ['role', customer.roleArn],
  ])
  for (const { title, body } of documents.slice(0, 2)) {
    screen.line(title)
    for (const line of summarize(body)) screen.line(`  ${line}`)
  }
  const verify = () => api.send<Verification>('POST', `/keks/${kek.id}/verify`)
  await screen.claim('Before the grant, Hasp can do nothing with the key', async () => {
    const { isPassed, checks } = await verify()
    demand(!isPassed, 'the verification passed')
    return checks.map((check) => check.finding).join(' ')
  })
  customer.grant(documents)
  await screen.claim('After it, the grant is proven through the assumed role', async () => {
    const { isPassed, checks } = await verify()
    demand(isPassed, checks.map((check) => check.finding).join(' '))
    return checks.map((check) => check.name).join(', ')
  })
  await storeTarget(screen, scene, kek.id, 'openai', openai)
  await storeTarget(screen, scene, kek.id, 'anthropic', anthropic)
  const issued = await api.send<IssuedVirtualKey>('POST', '/virtual-keys', { name: 'demo', targetIds: 'all' })
  if (issued.token === null) throw new Error('The virtual key came without its token.')
  screen.facts([['virtual key of this demo (a hint, not the key)', issued.hint]])
  return { kekId: kek.id, virtualKey: issued.token }
}

async function storeTarget(
  screen: Screen,
  { hasp: { api } }: Scene,
  kekId: string,
  name: 'openai' | 'anthropic',
  { provider, credential }: Upstream,
): Promise<void> {
  const target = { name, provider: name, baseUrl: provider.origin, kekId, credential }
  await screen.claim(`The ${name} credential was checked with its provider and sealed`, async () => {
    const seenBefore = provider.requestCount()
    const stored = await api.send<Target>('POST', '/api-targets', target)
    demand(provider.requestCount() > seenBefore, 'the provider was not asked')
    demand(!JSON.stringify(stored).includes(credential), 'the reply holds the credential')
    return `target ${stored.id}`
  })
}

type Statement = Readonly<{
  Effect: string
  Action: string | string[]
  Principal?: { AWS: string }
  Condition?: { StringEquals: Record<string, string> }
}>

/** A policy on a line for each statement. */
function summarize(body: string): string[] {
  // Written by src/kms/aws/grant-documents.ts in just this shape.
  const { Statement } = JSON.parse(body) as { Statement: Statement[] }
  return Statement.map(({ Effect, Action, Principal, Condition }) => {
    const whom = Principal === undefined ? '' : ` by ${Principal.AWS}`
    const conditions = Object.entries(Condition?.StringEquals ?? {}).map(
      ([name, value]) => `${name} = ${value}`,
    )
    const only = conditions.length === 0 ? '' : `, only if ${conditions.join(' and ')}`
    return `${Effect} ${[Action].flat().join(', ')}${whom}${only}`
  })
}
