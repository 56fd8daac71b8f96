import { once } from 'node:events'
import { request, type ClientRequest, type IncomingMessage } from 'node:http'
import type { MockProvider } from '#emulators/llm/mock-provider.ts'

export type Dialect = 'openai' | 'anthropic'
export const dialects = ['openai', 'anthropic'] as const

/** Where an agent calls, and as whom. */
export type Door = Readonly<{ url: string; virtualKey: string }>

export type AgentReply = Readonly<{
  status: number
  /** Of a refusal by Hasp, read where the dialect puts it; undefined for an answer. */
  code: string | undefined
  headers: IncomingMessage['headers']
  /** On the clock of `performance.now()`. */
  startedAtMs: number
  endedAtMs: number
}>

/**
 * One plain call, without an SDK's retries.
 * @param clientRequestId reaches OpenAI in `x-client-request-id`
 */
export async function callModel(door: Door, dialect: Dialect, clientRequestId?: string): Promise<AgentReply> {
  const startedAtMs = performance.now()
  const response = await send(
    door,
    dialect,
    {},
    clientRequestId === undefined ? {} : { 'x-client-request-id': clientRequestId },
  )
  let text = ''
  for await (const chunk of response) text += String(chunk)
  const endedAtMs = performance.now()
  const { statusCode: status = 0, headers } = response
  return { status, code: codeIn(dialect, JSON.parse(text)), headers, startedAtMs, endedAtMs }
}

type StreamEnd = Readonly<{
  text: string
  /** The connection broke before the end of the body. */
  isBroken: boolean
  /** What the stream's last event says, where that is a refusal. */
  code: string | undefined
  endedAtMs: number
}>

export type OpenStream = Readonly<{ receiptId: string; ended: Promise<StreamEnd> }>

/** Starts a stream that goes on for `pieces` times `pieceMs`; resolves when its first bytes are there. */
export async function openStream(
  door: Door,
  dialect: Dialect,
  provider: MockProvider,
  { pieces = 2_000, pieceMs = 20 }: { pieces?: number; pieceMs?: number } = {},
): Promise<OpenStream> {
  provider.setStream({ chunkCount: pieces, chunkDelayMs: pieceMs })
  const response = await send(door, dialect, { stream: true })
  const ended = readToEnd(response, dialect)
  await Promise.race([once(response, 'readable'), ended])
  provider.setStream({ chunkCount: 8, chunkDelayMs: 0 })
  if (response.statusCode !== 200) throw new Error(`HTTP ${response.statusCode}: ${(await ended).text}`)
  return { receiptId: String(response.headers['x-hasp-receipt']), ended }
}

async function readToEnd(response: IncomingMessage, dialect: Dialect): Promise<StreamEnd> {
  let text = ''
  let isBroken = false
  try {
    for await (const chunk of response) text += String(chunk)
  } catch {
    isBroken = true
  }
  const last = /^data: (\{.*\})$/m.exec(text.trimEnd().split('\n\n').at(-1) ?? '')?.[1]
  const code = last === undefined ? undefined : codeIn(dialect, JSON.parse(last))
  return { text, isBroken, code, endedAtMs: performance.now() }
}

async function send(
  { url, virtualKey }: Door,
  dialect: Dialect,
  more: object,
  moreHeaders: Record<string, string> = {},
): Promise<IncomingMessage> {
  const isOpenai = dialect === 'openai'
  const body = JSON.stringify({
    model: isOpenai ? 'gpt-5' : 'claude-opus-5',
    max_tokens: 64,
    messages: [{ role: 'user', content: 'Hello' }],
    ...more,
  })
  const path = isOpenai ? '/openai/v1/chat/completions' : '/anthropic/v1/messages'
  const headers = {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    ...moreHeaders,
    ...(isOpenai ? { authorization: `Bearer ${virtualKey}` } : { 'x-api-key': virtualKey }),
  }
  const outgoing: ClientRequest = request(url + path, { method: 'POST', headers })
  outgoing.end(body)
  const [response] = await once(outgoing, 'response')
  return response
}

function codeIn(dialect: Dialect, body: unknown): string | undefined {
  // Whatever came: a refusal has these members, and what has not is no refusal.
  const { error } = body as { error?: { code?: string; details?: { error_code?: string } } }
  return dialect === 'openai' ? error?.code : error?.details?.error_code
}
