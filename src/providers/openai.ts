import * as operations from './operations.ts'
import { isPlausibleCredential } from './plausible-credential.ts'
import type { CredentialAnswer, Provider } from './provider.ts'

/** https://platform.openai.com/docs/api-reference */
export const openai: Provider = {
  name: 'openai',
  label: 'OpenAI',
  defaultBaseUrl: 'https://api.openai.com',
  credentialHeader: { name: 'authorization', prefix: 'Bearer ' },
  dialect: 'openai',
  mount: '/openai',
  lentPrefixes: ['/v1/'],
  neverLent: [
    // Administration: members, projects, roles, admin keys, billing, where events go.
    '/v1/organization',
    '/v1/projects',
    '/v1/workspace',
    '/v1/dashboard',
    '/v1/webhook_endpoints',
    // These answer with a secret that works at OpenAI without us, and outlives a revocation.
    '/v1/realtime/client_secrets',
    '/v1/realtime/sessions',
    '/v1/realtime/transcription_sessions',
    '/v1/realtime/translations/client_secrets',
    '/v1/chatkit/sessions',
  ],
  operations: [
    operations.chatCompletions,
    operations.responses,
    operations.responseCompaction,
    operations.responseInputTokens,
    operations.completions,
    operations.embeddings,
    operations.moderations,
    operations.imageGenerations,
    operations.imageEdits,
    operations.imageVariations,
    operations.speech,
    operations.transcriptions,
    operations.translations,
    operations.modelList,
    operations.oneModel,
  ],
  models: [
    'gpt-*',
    'o1',
    'o1-*',
    'o3',
    'o3-*',
    'o4-*',
    'chatgpt-*',
    'codex-*',
    'computer-use-*',
    'text-embedding-*',
    'text-moderation-*',
    'omni-moderation-*',
    'dall-e-*',
    'whisper-*',
    'tts-*',
    'davinci-*',
    'babbage-*',
    // Fine-tuned models are `ft:<base>:<organization>:<suffix>:<id>`.
    'ft:gpt-*',
    'ft:o4-*',
    'ft:davinci-*',
    'ft:babbage-*',
  ],
  requestHeaders: ['openai-beta', 'idempotency-key', 'x-client-request-id', 'x-stainless-*'],
  replyHeaders: ['openai-processing-ms', 'openai-version', 'openai-model', 'x-ratelimit-*'],
  defaultHeaders: [],
  requestIdHeader: 'x-request-id',
  validation: { method: 'GET', path: '/v1/models', headers: [] },
  readValidation,
  isPlausibleCredential,
}

/**
 * OpenAI answers 401 both to a key it does not know and to a good one of restricted scope that may not list models
 * ("Missing scopes: api.model.read"); only the body tells them apart. A 401 may also be about our address ("IP not
 * authorized"), and a 403 is about the country: neither says anything of the key.
 * https://platform.openai.com/docs/guides/error-codes
 */
function readValidation(status: number, body = ''): CredentialAnswer {
  if (status >= 200 && status < 300) return 'accepted'
  if (status !== 401) return 'unclear'
  if (body.includes('Missing scopes')) return 'accepted'
  return body.includes('ip_not_authorized') || body.includes('IP not authorized') ? 'unclear' : 'rejected'
}
