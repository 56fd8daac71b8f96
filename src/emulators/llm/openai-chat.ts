import { randomBytes } from 'node:crypto'
import type { AnswerSize, ProviderAnswer, ServerSentEvent } from './dialect.ts'
import { countTokens, generateText } from './generated-text.ts'
import { openaiError } from './openai-error.ts'

type ChatBody = Readonly<Record<string, unknown>>

/** POST /v1/chat/completions, whole or as a stream that ends in `data: [DONE]`. */
export function answerChatCompletion(body: ChatBody, size: AnswerSize): ProviderAnswer {
  if (!Array.isArray(body['messages']) || body['messages'].length === 0) {
    return openaiError(400, "Missing required parameter: 'messages'.", {
      param: 'messages',
      code: 'missing_required_parameter',
    })
  }
  if (body['stream'] === true) return { status: 200, events: streamCompletion(body, size) }
  return { status: 200, json: completion(body, size) }
}

function completion(body: ChatBody, size: AnswerSize) {
  const content = [...generateText(size)].join('')
  return {
    ...identity(body, 'chat.completion'),
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content, refusal: null, annotations: [] },
        logprobs: null,
        finish_reason: 'stop',
      },
    ],
    usage: usage(body, size),
  }
}

function* streamCompletion(body: ChatBody, size: AnswerSize): Generator<ServerSentEvent> {
  const head = identity(body, 'chat.completion.chunk')
  const withUsage = asksForUsage(body)
  const chunk = (delta: object, finishReason: string | null) =>
    JSON.stringify({
      ...head,
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
      ...(withUsage ? { usage: null } : {}),
    })

  yield { data: chunk({ role: 'assistant', content: '', refusal: null }, null) }
  for (const content of generateText(size)) yield { data: chunk({ content }, null), isPaced: true }
  yield { data: chunk({}, 'stop') }
  if (withUsage) yield { data: JSON.stringify({ ...head, choices: [], usage: usage(body, size) }) }
  yield { data: '[DONE]' }
}

function identity(body: ChatBody, object: string) {
  return {
    id: `chatcmpl-${randomBytes(12).toString('hex')}`,
    object,
    created: Math.floor(Date.now() / 1000),
    model: body['model'],
    service_tier: 'default',
    system_fingerprint: 'fp_mock',
  }
}

function asksForUsage(body: ChatBody): boolean {
  const options = body['stream_options']
  return (
    typeof options === 'object' &&
    options !== null &&
    'include_usage' in options &&
    options.include_usage === true
  )
}

function usage(body: ChatBody, size: AnswerSize) {
  const promptTokens = countTokens(body['messages'])
  return {
    prompt_tokens: promptTokens,
    completion_tokens: size.chunkCount,
    total_tokens: promptTokens + size.chunkCount,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}
