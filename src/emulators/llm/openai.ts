import { randomBytes } from 'node:crypto'
import type { AnswerSize, ProviderAnswer, ProviderDialect, ProviderRequest } from './dialect.ts'
import { modelInPath } from './model-in-path.ts'
import { startMockProvider, type MockProvider, type MockProviderOptions } from './mock-provider.ts'
import { answerChatCompletion } from './openai-chat.ts'
import { answerEmbeddings } from './openai-embeddings.ts'
import { openaiError } from './openai-error.ts'
import { answerResponse } from './openai-responses.ts'

const MODEL_PATTERN = /^(gpt-|chatgpt-|o\d|text-embedding-)/
const LISTED_MODELS = ['gpt-5', 'gpt-5-mini', 'gpt-4o', 'gpt-4o-mini', 'text-embedding-3-small']

type Operation = (body: Readonly<Record<string, unknown>>, size: AnswerSize) => ProviderAnswer

const OPERATIONS = new Map<string, Operation>([
  ['/v1/chat/completions', answerChatCompletion],
  ['/v1/responses', answerResponse],
  ['/v1/embeddings', answerEmbeddings],
])

/** A provider that answers as api.openai.com does (https://platform.openai.com/docs/api-reference). */
export function startMockOpenai(options: MockProviderOptions = {}): Promise<MockProvider> {
  return startMockProvider(openaiDialect, options)
}

const openaiDialect: ProviderDialect = {
  credentialOf: (headers) => /^bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1],
  refuseCredential,
  checkHeaders: () => undefined,
  refuseBody: () => openaiError(400, 'We could not parse the JSON body of your request.'),
  newRequestId: () => `req_${randomBytes(16).toString('hex')}`,
  replyHeaders: (requestId) => ({
    'x-request-id': requestId,
    'openai-version': '2020-10-01',
    'openai-organization': 'org-mock',
    'openai-processing-ms': '12',
    'x-ratelimit-limit-requests': '10000',
    'x-ratelimit-limit-tokens': '2000000',
    'x-ratelimit-remaining-requests': '9999',
    'x-ratelimit-remaining-tokens': '1999975',
    'x-ratelimit-reset-requests': '6ms',
    'x-ratelimit-reset-tokens': '0s',
  }),
  answer,
}

function answer(request: ProviderRequest, size: AnswerSize): ProviderAnswer {
  if (request.method === 'GET') return answerModels(request)
  const operation = OPERATIONS.get(request.path)
  if (operation === undefined || request.method !== 'POST') return refuseUrl(request)
  if (request.body === null) return openaiError(400, 'We could not parse the JSON body of your request.')
  const { model } = request.body
  if (typeof model !== 'string') return openaiError(400, 'you must provide a model parameter')
  if (!MODEL_PATTERN.test(model)) {
    const message = `The model \`${model}\` does not exist or you do not have access to it.`
    return openaiError(404, message, { code: 'model_not_found' })
  }
  return operation(request.body, size)
}

/** The real one repeats the key it was given, masked: a gateway that hands this on leaks a part of it. */
function refuseCredential(presented: string | undefined): ProviderAnswer {
  if (presented === undefined) {
    return openaiError(
      401,
      "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
    )
  }
  const message = `Incorrect API key provided: ${mask(presented)}. You can find your API key at https://platform.openai.com/account/api-keys.`
  return openaiError(401, message, { code: 'invalid_api_key' })
}

function mask(credential: string): string {
  if (credential.length < 12) return '*'.repeat(credential.length)
  return `${credential.slice(0, 8)}${'*'.repeat(credential.length - 12)}${credential.slice(-4)}`
}

/** The list, or one: whichever this mock would run. */
function answerModels(request: ProviderRequest): ProviderAnswer {
  if (request.path === '/v1/models') {
    return { status: 200, json: { object: 'list', data: LISTED_MODELS.map(describeModel) } }
  }
  const id = modelInPath(request.path)
  if (id === undefined) return refuseUrl(request)
  if (MODEL_PATTERN.test(id)) return { status: 200, json: describeModel(id) }
  return openaiError(404, `The model '${id}' does not exist`, { param: 'model', code: 'model_not_found' })
}

function refuseUrl({ method, path }: ProviderRequest): ProviderAnswer {
  return openaiError(404, `Invalid URL (${method} ${path})`)
}

function describeModel(id: string) {
  return { id, object: 'model', created: 1_754_073_306, owned_by: 'system' }
}
