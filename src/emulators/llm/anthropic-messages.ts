import { randomBytes } from 'node:crypto'
import { anthropicError } from './anthropic-error.ts'
import type { AnswerSize, ProviderAnswer, ServerSentEvent } from './dialect.ts'
import { countTokens, generateText } from './generated-text.ts'

type MessageBody = Readonly<Record<string, unknown>>

/** POST /v1/messages, whole or as events from `message_start` to `message_stop`. */
export function answerMessage(body: MessageBody, size: AnswerSize, requestId: string): ProviderAnswer {
  if (typeof body['max_tokens'] !== 'number') {
    return anthropicError(400, 'invalid_request_error', 'max_tokens: Field required', requestId)
  }
  if (body['stream'] === true) return { status: 200, events: streamMessage(body, size) }
  const text = [...generateText(size)].join('')
  const json = {
    ...openMessage(body),
    content: [{ type: 'text', text }],
    stop_reason: 'end_turn',
    usage: usage(body, size.chunkCount),
  }
  return { status: 200, json }
}

function* streamMessage(body: MessageBody, size: AnswerSize): Generator<ServerSentEvent> {
  yield event('message_start', { message: { ...openMessage(body), usage: usage(body, 1) } })
  yield event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } })
  yield event('ping', {})
  for (const text of generateText(size)) {
    yield event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } }, true)
  }
  yield event('content_block_stop', { index: 0 })
  yield event('message_delta', {
    delta: { stop_reason: 'end_turn', stop_sequence: null },
    usage: { output_tokens: size.chunkCount },
  })
  yield event('message_stop', {})
}

function event(type: string, fields: object, isPaced = false): ServerSentEvent {
  return { event: type, data: JSON.stringify({ type, ...fields }), isPaced }
}

function openMessage(body: MessageBody) {
  return {
    id: `msg_${randomBytes(12).toString('hex')}`,
    type: 'message',
    role: 'assistant',
    model: body['model'],
    content: [],
    stop_reason: null,
    stop_sequence: null,
  }
}

function usage(body: MessageBody, outputTokens: number) {
  return {
    input_tokens: countTokens(body['messages']),
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: outputTokens,
    service_tier: 'standard',
  }
}
