import { hash } from 'node:crypto'
import { anthropicAgent, loadSdks, openaiAgent, refusalIn, type Agent, type Answer } from './agents.ts'
import type { Lent } from './register-padlock.ts'
import type { Scene, Upstream } from './scene.ts'
import { demand, type Screen } from './screen.ts'

/** The official clients, each with nothing but a base URL of Hasp's and the virtual key. */
export type Agents = Readonly<{ openai: Agent; anthropic: Agent }>

/** The agents call, plain and streaming, by provider and by model. */
export async function lendToAgents(screen: Screen, scene: Scene, { virtualKey }: Lent): Promise<Agents> {
  const { hasp, openai, anthropic } = scene
  screen.act(
    'The door: unmodified SDKs, a base URL and the virtual key',
    'No agent holds a provider credential, and the providers take nothing else.',
  )
  const sdks = await loadSdks()
  const agents = {
    openai: openaiAgent(sdks, `${hasp.url}/openai/v1`, virtualKey),
    anthropic: anthropicAgent(sdks, `${hasp.url}/anthropic`, virtualKey),
  }
  await screen.claim('The virtual key is worth nothing at the provider', async () => {
    const direct = openaiAgent(sdks, `${openai.provider.origin}/v1`, virtualKey)
    const refusal = await direct.ask().then(
      () => undefined,
      (error: unknown) => refusalIn(error),
    )
    demand(refusal !== undefined, 'the provider served it')
    demand(refusal.status === 401, `the provider answered HTTP ${refusal.status}`)
    return 'HTTP 401'
  })
  await lend(screen, agents.openai, openai, '/openai/v1')
  await lend(screen, agents.anthropic, anthropic, '/anthropic')
  await lend(screen, openaiAgent(sdks, `${hasp.url}/v1`, virtualKey), openai, '/v1, by model')
  await lend(screen, anthropicAgent(sdks, hasp.url, virtualKey), anthropic, '/v1, by model')
  return agents
}

async function lend(screen: Screen, agent: Agent, upstream: Upstream, place: string): Promise<void> {
  await screen.claim(`${agent.name} at ${place}, plain`, async () => {
    const answer = await agent.ask()
    return `“${provenAnswer(answer, upstream)}”`
  })
  await screen.claim(`${agent.name} at ${place}, streaming`, async () => {
    const { pieces, receiptId } = await agent.stream()
    const words: string[] = []
    for await (const piece of pieces) words.push(piece)
    provenAnswer({ text: words.join(''), receiptId }, upstream)
    return `${words.length} pieces`
  })
}

/** An answer that came with a receipt, from a provider that was shown its own credential. */
function provenAnswer({ text, receiptId }: Answer, { provider, credential }: Upstream): string {
  demand(text !== '', 'the answer is empty')
  demand(receiptId !== '', 'the answer names no receipt')
  const headers = provider.requests().at(-1)?.headers ?? {}
  const presented = headers['x-api-key'] ?? headers['authorization']?.replace(/^Bearer /, '')
  demand(presented === hash('sha256', credential, 'hex'), 'the provider was not shown its own credential')
  return text
}
