import { createHash } from 'node:crypto'
import type { ProviderAnswer } from './dialect.ts'
import { countTokens } from './generated-text.ts'
import { openaiError } from './openai-error.ts'

const DIMENSIONS = 8

/** POST /v1/embeddings: short vectors derived from the input, as floats or (what the SDK asks for) base64. */
export function answerEmbeddings(body: Readonly<Record<string, unknown>>): ProviderAnswer {
  const { input } = body
  if (input === undefined) {
    return openaiError(400, "Missing required parameter: 'input'.", {
      param: 'input',
      code: 'missing_required_parameter',
    })
  }
  const inputs: unknown[] = Array.isArray(input) ? input : [input]
  const isBase64 = body['encoding_format'] === 'base64'
  const data = inputs.map((text, index) => ({ object: 'embedding', index, embedding: embed(text, isBase64) }))
  const tokens = countTokens(input)
  return {
    status: 200,
    json: {
      object: 'list',
      data,
      model: body['model'],
      usage: { prompt_tokens: tokens, total_tokens: tokens },
    },
  }
}

function embed(text: unknown, isBase64: boolean): string | number[] {
  const digest = createHash('sha256').update(JSON.stringify(text)).digest()
  const vector = Float32Array.from(
    { length: DIMENSIONS },
    (_, index) => digest.readInt16LE(index * 2) / 32_768,
  )
  return isBase64 ? Buffer.from(vector.buffer).toString('base64') : [...vector]
}
