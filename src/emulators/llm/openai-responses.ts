import { randomBytes } from 'node:crypto'
import type { AnswerSize, ProviderAnswer, ServerSentEvent } from './dialect.ts'
import { countTokens, generateText } from './generated-text.ts'
import { openaiError } from './openai-error.ts'

type ResponseBody = Readonly<Record<string, unknown>>

/** POST /v1/responses, whole or as typed events from `response.created` to `response.completed`. */
export function answerResponse(body: ResponseBody, size: AnswerSize): ProviderAnswer {
  if (body['input'] === undefined) {
    return openaiError(400, "Missing required parameter: 'input'.", {
      param: 'input',
      code: 'missing_required_parameter',
    })
  }
  if (body['stream'] === true) return { status: 200, events: streamResponse(body, size) }
  const text = [...generateText(size)].join('')
  const item = outputItem(newId('msg'), 'completed', [textPart(text)])
  return { status: 200, json: completedResponse(openResponse(body), item, body, size) }
}

function* streamResponse(body: ResponseBody, size: AnswerSize): Generator<ServerSentEvent> {
  let sequence = 0
  const event = (type: string, fields: object, isPaced = false): ServerSentEvent => ({
    event: type,
    data: JSON.stringify({ type, sequence_number: sequence++, ...fields }),
    isPaced,
  })
  const response = openResponse(body)
  const itemId = newId('msg')
  const place = { item_id: itemId, output_index: 0, content_index: 0 }
  let text = ''

  yield event('response.created', { response })
  yield event('response.in_progress', { response })
  yield event('response.output_item.added', { output_index: 0, item: outputItem(itemId, 'in_progress', []) })
  yield event('response.content_part.added', { ...place, part: textPart('') })
  for (const delta of generateText(size)) {
    text += delta
    yield event('response.output_text.delta', { ...place, delta, logprobs: [] }, true)
  }
  const item = outputItem(itemId, 'completed', [textPart(text)])
  yield event('response.output_text.done', { ...place, text, logprobs: [] })
  yield event('response.content_part.done', { ...place, part: textPart(text) })
  yield event('response.output_item.done', { output_index: 0, item })
  yield event('response.completed', { response: completedResponse(response, item, body, size) })
}

function openResponse(body: ResponseBody) {
  return {
    id: newId('resp'),
    object: 'response',
    created_at: Math.floor(Date.now() / 1000),
    status: 'in_progress',
    error: null,
    incomplete_details: null,
    instructions: body['instructions'] ?? null,
    max_output_tokens: null,
    metadata: {},
    model: body['model'],
    output: [] as unknown[],
    parallel_tool_calls: true,
    previous_response_id: null,
    temperature: 1,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    truncation: 'disabled',
    usage: null,
  }
}

function completedResponse(
  response: ReturnType<typeof openResponse>,
  item: object,
  body: ResponseBody,
  size: AnswerSize,
) {
  const inputTokens = countTokens(body['input'])
  const usage = {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: size.chunkCount,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: inputTokens + size.chunkCount,
  }
  return { ...response, status: 'completed', output: [item], usage }
}

function outputItem(id: string, status: string, content: object[]) {
  return { id, type: 'message', status, role: 'assistant', content }
}

function textPart(text: string) {
  return { type: 'output_text', annotations: [], logprobs: [], text }
}

function newId(prefix: string): string {
  return `${prefix}_${randomBytes(16).toString('hex')}`
}
