import { ServiceError, validationError } from '#emulators/aws/wire/service-error.ts'
import type { ContextPairs } from './key-material.ts'

export type JsonObject = Readonly<Record<string, unknown>>

const CONTEXT_PAIRS_MAX = 1024
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** @throws {ServiceError} SerializationException when the body is not a JSON object */
export function parseInput(body: Buffer): JsonObject {
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'))
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { ...parsed }
  } catch {
    // Falls through to the same refusal: AWS does not say what is wrong with the JSON.
  }
  throw new ServiceError('SerializationException')
}

export function requiredText(input: JsonObject, member: string, lengthMax = 2048): string {
  return optionalText(input, member, lengthMax) ?? missing(member)
}

export function optionalText(input: JsonObject, member: string, lengthMax = 2048): string | undefined {
  const value = input[member]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') return wrongType()
  if (value.length < 1) throw validationError(lowerFirst(member), tooShort, value)
  if (value.length > lengthMax) throw validationError(lowerFirst(member), tooLong(lengthMax))
  return value
}

/** A member that may be empty text. */
export function optionalFreeText(input: JsonObject, member: string, lengthMax: number): string | undefined {
  return input[member] === '' ? '' : optionalText(input, member, lengthMax)
}

export function optionalChoice<const Choice extends string>(
  input: JsonObject,
  member: string,
  choices: readonly Choice[],
): Choice | undefined {
  const value = optionalText(input, member)
  if (value === undefined) return undefined
  const choice = choices.find((candidate) => candidate === value)
  if (choice !== undefined) return choice
  throw validationError(
    lowerFirst(member),
    `Member must satisfy enum value set: [${choices.join(', ')}]`,
    value,
  )
}

export function optionalInteger(
  input: JsonObject,
  member: string,
  range: { min: number; max: number },
): number | undefined {
  const value = input[member]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number' || !Number.isInteger(value)) return wrongType()
  if (value >= range.min && value <= range.max) return value
  const bound =
    value < range.min
      ? `Member must have value greater than or equal to ${range.min}`
      : `Member must have value less than or equal to ${range.max}`
  throw validationError(lowerFirst(member), bound, String(value))
}

export function flag(input: JsonObject, member: string): boolean {
  const value = input[member]
  if (value === undefined || value === null) return false
  return typeof value === 'boolean' ? value : wrongType()
}

/** A base64 member of 1 to `bytesMax` bytes. */
export function requiredBlob(input: JsonObject, member: string, bytesMax: number): Buffer {
  const value = input[member]
  if (value === undefined || value === null) return missing(member)
  if (typeof value !== 'string' || !BASE64.test(value)) return wrongType()
  const bytes = Buffer.from(value, 'base64')
  if (bytes.length < 1) throw validationError(lowerFirst(member), tooShort)
  if (bytes.length > bytesMax) throw validationError(lowerFirst(member), tooLong(bytesMax))
  return bytes
}

export function encryptionContext(input: JsonObject, member = 'EncryptionContext'): ContextPairs {
  const value = input[member]
  if (value === undefined || value === null) return []
  if (typeof value !== 'object' || Array.isArray(value)) return wrongType()
  const pairs = Object.entries(value).map(([name, text]: [string, unknown]) =>
    typeof text === 'string' ? ([name, text] as const) : wrongType(),
  )
  if (pairs.length > CONTEXT_PAIRS_MAX) throw validationError(lowerFirst(member), tooLong(CONTEXT_PAIRS_MAX))
  return pairs
}

export function tagPairs(input: JsonObject, tagsMax: number): [name: string, value: string][] {
  const value = input['Tags'] ?? []
  if (!Array.isArray(value)) return wrongType()
  if (value.length > tagsMax)
    throw new ServiceError('LimitExceededException', `A key has at most ${tagsMax} tags.`)
  return value.map((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null) return wrongType()
    const tag: JsonObject = { ...entry }
    return [requiredText(tag, 'TagKey', 128), optionalFreeText(tag, 'TagValue', 256) ?? missing('TagValue')]
  })
}

const tooShort = 'Member must have length greater than or equal to 1'

function tooLong(lengthMax: number): string {
  return `Member must have length less than or equal to ${lengthMax}`
}

function missing(member: string): never {
  throw validationError(lowerFirst(member), 'Member must not be null', 'null')
}

function wrongType(): never {
  throw new ServiceError('SerializationException')
}

function lowerFirst(member: string): string {
  return member.charAt(0).toLowerCase() + member.slice(1)
}
