import type Anthropic from '@anthropic-ai/sdk'
import type OpenAI from 'openai'
import { CliError } from '#cli/cli-error.ts'

type Sdks = Readonly<{ OpenAI: typeof OpenAI; Anthropic: typeof Anthropic }>

export type Answer = Readonly<{ text: string; receiptId: string }>
/** A reply that is being read piece by piece. */
type AnswerStream = Readonly<{ pieces: AsyncIterable<string>; receiptId: string }>

/** A program that calls a model through an official SDK; it was given a base URL and a virtual key. */
export type Agent = Readonly<{
  name: string
  ask: () => Promise<Answer>
  stream: () => Promise<AnswerStream>
}>

const question = 'Whose is the padlock?'
const openaiModel = 'gpt-5'
const anthropicModel = 'claude-opus-5'

/** @throws {CliError} `sdk_missing` where only the production dependencies are installed. */
export async function loadSdks(): Promise<Sdks> {
  try {
    const [openai, anthropic] = await Promise.all([import('openai'), import('@anthropic-ai/sdk')])
    return { OpenAI: openai.default, Anthropic: anthropic.default }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new CliError(
      'sdk_missing',
      'the demo calls Hasp with the official SDKs, and this installation leaves them out.',
      "Run 'npm ci' without --omit=dev, then 'npm run demo' again.",
    )
  }
}

export function openaiAgent({ OpenAI }: Sdks, baseURL: string, virtualKey: string): Agent {
  const { completions } = new OpenAI({ baseURL, apiKey: virtualKey }).chat
  const request = { model: openaiModel, messages: [{ role: 'user' as const, content: question }] }
  return {
    name: 'openai',
    async ask() {
      const { data, response } = await completions.create(request).withResponse()
      return { text: data.choices[0]?.message.content ?? '', receiptId: receiptIn(response) }
    },
    async stream() {
      const { data, response } = await completions.create({ ...request, stream: true }).withResponse()
      return { receiptId: receiptIn(response), pieces: openaiPieces(data) }
    },
  }
}

export function anthropicAgent({ Anthropic }: Sdks, baseURL: string, virtualKey: string): Agent {
  const { messages } = new Anthropic({ baseURL, apiKey: virtualKey })
  const request = {
    model: anthropicModel,
    max_tokens: 1024,
    messages: [{ role: 'user' as const, content: question }],
  }
  return {
    name: '@anthropic-ai/sdk',
    async ask() {
      const { data, response } = await messages.create(request).withResponse()
      const [block] = data.content
      return { text: block?.type === 'text' ? block.text : '', receiptId: receiptIn(response) }
    },
    async stream() {
      const { data, response } = await messages.create({ ...request, stream: true }).withResponse()
      return { receiptId: receiptIn(response), pieces: anthropicPieces(data) }
    },
  }
}

async function* openaiPieces(stream: AsyncIterable<OpenAI.ChatCompletionChunk>): AsyncIterable<string> {
  for await (const chunk of stream) {
    const piece = chunk.choices[0]?.delta.content
    if (typeof piece === 'string') yield piece
  }
}

async function* anthropicPieces(stream: AsyncIterable<Anthropic.MessageStreamEvent>): AsyncIterable<string> {
  for await (const event of stream) {
    if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') yield event.delta.text
  }
}

function receiptIn(response: Response): string {
  return response.headers.get('x-hasp-receipt') ?? ''
}

/** What an SDK's error says: the HTTP status, and the code where each provider's dialect puts it. */
export function refusalIn(error: unknown): { status: number | undefined; code: string | undefined } {
  if (typeof error !== 'object' || error === null) return { status: undefined, code: undefined }
  const { status, code, errorCode } = error as Record<string, unknown>
  return {
    status: typeof status === 'number' ? status : undefined,
    code: [code, errorCode].find((value) => typeof value === 'string'),
  }
}
