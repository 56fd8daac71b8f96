import { isUtf8 } from 'node:buffer'
import type { ModelSource } from '#providers/operations.ts'
import { JsonCursor } from './json-cursor.ts'
import { readFormModel } from './multipart-model.ts'
import { Refusal } from './refusal.ts'
import { isModelName, type RequestedModel } from './requested-model.ts'

/** `isModelName` allows 256 characters; each may be written as an escape of six. */
const modelJsonBytesMax = 2 + 6 * 256

const nothing: RequestedModel = { model: undefined, isStream: false }

/**
 * Reads `model` and `stream` from a request body. Strict where parsers differ on which model a body names, since the
 * provider's parser decides what is run: a field that comes twice is refused, in any spelling of its name (escapes,
 * and letter case, which Go's parser ignores).
 * `source` is the operation's; undefined for an endpoint that Hasp does not know, whose body is read if it is JSON.
 * @throws {Refusal} `body_malformed`, `model_duplicated`, `model_unreadable`.
 */
export function readRequestedModel(
  source: ModelSource | undefined,
  contentType: string | undefined,
  body: Buffer,
): RequestedModel {
  if (source === 'none' || source === 'path') return nothing
  const mediaType = contentType?.split(';', 1)[0]?.trim().toLowerCase()
  if (mediaType === 'multipart/form-data' && source !== 'json') {
    return source === 'multipart' ? readFormModel(contentType ?? '', body) : nothing
  }
  if (source === undefined && (mediaType !== 'application/json' || body.length === 0)) return nothing
  return readJsonModel(body)
}

function readJsonModel(body: Buffer): RequestedModel {
  if (body.length === 0) throw malformed('it is empty')
  if (!isUtf8(body)) throw malformed('it is not UTF-8')
  const cursor = new JsonCursor(body)
  if (!cursor.take(openBrace)) throw malformed('it is not an object')
  let modelCount = 0
  let model: string | undefined
  let isStream = false
  if (!cursor.take(closeBrace)) {
    do {
      const keyStart = cursor.skipSpace()
      const key = wantedKey(body, keyStart, cursor.skipString())
      cursor.expect(colon)
      const valueStart = cursor.skipSpace()
      const valueEnd = cursor.skipValue()
      if (key === undefined) continue
      if (key === 'stream') isStream = body[valueStart] === letterT
      else modelCount++
      if (key === 'model') model = parseModel(body.subarray(valueStart, valueEnd))
    } while (cursor.take(comma))
    cursor.expect(closeBrace)
  }
  cursor.expectEnd()
  if (modelCount > 1) throw new Refusal('model_duplicated')
  return { model, isStream }
}

type WantedKey = 'model' | 'model in another case' | 'stream'

/** Which of our fields this member's name (with its quotes) is, if any. The longest spelling escapes every letter. */
function wantedKey(body: Buffer, start: number, end: number): WantedKey | undefined {
  const length = end - start
  if (length < '"model"'.length || length > 2 + 6 * 'stream'.length) return undefined
  const isEscaped = hasBackslash(body, start, end)
  if (!isEscaped && length !== '"model"'.length && length !== '"stream"'.length) return undefined
  const raw = body.toString('utf8', start, end)
  const name = isEscaped ? parseString(raw) : raw.slice(1, -1)
  if (name === 'model' || name === 'stream') return name
  return name?.toLowerCase() === 'model' ? 'model in another case' : undefined
}

function hasBackslash(body: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (body[at] === backslash) return true
  return false
}

function parseModel(json: Buffer): string {
  const model = json.length <= modelJsonBytesMax ? parseString(json.toString()) : undefined
  if (model === undefined || !isModelName(model)) throw new Refusal('model_unreadable')
  return model
}

function parseString(raw: string): string | undefined {
  try {
    const value: unknown = JSON.parse(raw)
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

function malformed(why: string): Refusal {
  return new Refusal('body_malformed', { message: `The request body is not a JSON object in UTF-8: ${why}.` })
}

const openBrace = 0x7b
const closeBrace = 0x7d
const colon = 0x3a
const comma = 0x2c
const backslash = 0x5c
const letterT = 0x74
