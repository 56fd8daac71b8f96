/**
 * A mock OpenAI or Anthropic as a process of its own: `mock-provider.ts openai|anthropic`. The environment says
 * which credentials it accepts, how it paces a stream and, where it speaks TLS, with which certificate.
 */
import { startMockAnthropic } from '#emulators/llm/anthropic.ts'
import { startMockOpenai } from '#emulators/llm/openai.ts'

const { MOCK_CREDENTIALS = '[]', MOCK_TLS = 'null', MOCK_CHUNK_DELAY_MS = '0' } = process.env
const start = process.argv[2] === 'anthropic' ? startMockAnthropic : startMockOpenai
// Both are written by start-mock-provider.ts, in just these shapes.
const acceptedCredentials = JSON.parse(MOCK_CREDENTIALS) as string[]
const tls = JSON.parse(MOCK_TLS) as { key: string; cert: string } | null

const provider = await start({
  acceptedCredentials,
  chunkDelayMs: Number(MOCK_CHUNK_DELAY_MS),
  requestsMax: 1_000_000,
  ...(tls === null ? {} : { tls }),
})
console.log(provider.origin)
