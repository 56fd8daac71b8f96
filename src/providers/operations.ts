/**
 * Where a request names its model:
 * - `json`: the field `model` of a JSON body;
 * - `multipart`: the field `model` of a form, or of a JSON body where the caller sends one instead;
 * - `path`: the last segment;
 * - `none`: nowhere, and none is run.
 */
export type ModelSource = 'json' | 'multipart' | 'path' | 'none'

export type Operation = Readonly<{
  name: string
  method: 'GET' | 'POST'
  /** Exact, or ending in `/*` for exactly one more segment. */
  path: string
  modelIn: ModelSource
}>

function post(name: string, path: string, modelIn: ModelSource): Operation {
  return { name, method: 'POST', path, modelIn }
}

export const chatCompletions = post('chat.completions', '/v1/chat/completions', 'json')
export const responses = post('responses', '/v1/responses', 'json')
export const responseCompaction = post('responses.compact', '/v1/responses/compact', 'json')
export const responseInputTokens = post('responses.input_tokens', '/v1/responses/input_tokens', 'json')
export const completions = post('completions', '/v1/completions', 'json')
export const embeddings = post('embeddings', '/v1/embeddings', 'json')
export const moderations = post('moderations', '/v1/moderations', 'json')
export const imageGenerations = post('images.generations', '/v1/images/generations', 'json')
export const imageEdits = post('images.edits', '/v1/images/edits', 'multipart')
export const imageVariations = post('images.variations', '/v1/images/variations', 'multipart')
export const speech = post('audio.speech', '/v1/audio/speech', 'json')
export const transcriptions = post('audio.transcriptions', '/v1/audio/transcriptions', 'multipart')
export const translations = post('audio.translations', '/v1/audio/translations', 'multipart')
export const messages = post('messages', '/v1/messages', 'json')
export const messageTokens = post('messages.count_tokens', '/v1/messages/count_tokens', 'json')

/** Answered by the provider of the caller's dialect, since both have it and no model is named. */
export const modelList: Operation = { name: 'models', method: 'GET', path: '/v1/models', modelIn: 'none' }
export const oneModel: Operation = {
  name: 'models.one',
  method: 'GET',
  path: '/v1/models/*',
  modelIn: 'path',
}
