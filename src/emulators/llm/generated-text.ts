import type { AnswerSize } from './dialect.ts'

const WORDS = ['The', 'door', 'is', 'ours,', 'the', 'padlock', 'is', 'yours.']

/** The pieces of the answer that a mock model gives, each a word with its space. */
export function* generateText(size: AnswerSize): Generator<string> {
  for (let index = 0; index < size.chunkCount; index += 1) {
    yield `${index === 0 ? '' : ' '}${WORDS[index % WORDS.length]}`
  }
}

/** A stand-in for a tokenizer: four characters of JSON to a token, at least one. */
export function countTokens(input: unknown): number {
  return Math.max(1, Math.ceil((JSON.stringify(input) ?? '').length / 4))
}
