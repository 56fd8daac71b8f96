import { Agent, request } from 'undici'
import type { RecordedRequest } from '#emulators/llm/request-journal.ts'
import { startChild } from '../proxy/child-process.ts'

const script = new URL('mock-provider.ts', import.meta.url).pathname

type MockProviderProcess = Readonly<{
  origin: string
  /** Every request that has reached it, oldest first; credentials stand as their SHA-256. */
  requests: () => Promise<readonly RecordedRequest[]>
}>

type StartMockProvider = Readonly<{
  name: 'openai' | 'anthropic'
  acceptedCredentials: readonly string[]
  chunkDelayMs: number
  tls: Readonly<{ key: string; cert: string }> | null
}>

/** Starts a mock provider in a process of its own; the stack stops it. */
export async function startMockProvider(
  stack: AsyncDisposableStack,
  { name, acceptedCredentials, chunkDelayMs, tls }: StartMockProvider,
): Promise<MockProviderProcess> {
  const { lines } = await startChild(stack, {
    command: [process.execPath, script, name],
    env: {
      MOCK_CREDENTIALS: JSON.stringify(acceptedCredentials),
      MOCK_TLS: JSON.stringify(tls),
      MOCK_CHUNK_DELAY_MS: String(chunkDelayMs),
    },
    readyWhen: /^https?:\/\//,
  })
  const origin = lines.at(-1) ?? ''
  const dispatcher = new Agent(tls === null ? {} : { connect: { ca: tls.cert } })
  stack.defer(() => dispatcher.close())
  return {
    origin,
    async requests() {
      const { body } = await request(`${origin}/_emulator/requests`, { dispatcher })
      // The journal's own JSON (src/emulators/llm/control.ts).
      const answer = (await body.json()) as { requests: RecordedRequest[] }
      return answer.requests
    },
  }
}
