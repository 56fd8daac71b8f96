import { canonicalJson, isPlainObject, type JsonObject } from './canonical-json.ts'

/**
 * What a column may hold. Numbers are safe integers, and a `number` and a `bigint` of one value encode alike,
 * because drivers differ in which they return. Dates count in milliseconds.
 */
export type MacValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Date
  | Uint8Array
  | readonly string[]
  | JsonObject

/** Every column of a row; a column named `mac` is left out, because it cannot cover itself. */
export type MacRow = Readonly<Record<string, MacValue>>

const DOMAIN = Buffer.from('hasp/row/v1', 'ascii')

/** One byte tells the types apart, so that the string `1` and the number 1 never share their bytes. */
const TYPE_TAGS = {
  null: 0,
  text: 1,
  integer: 2,
  boolean: 3,
  timestamp: 4,
  bytes: 5,
  texts: 6,
  json: 7,
} as const

/**
 * The canonical bytes of a row: domain tag, table, number of columns, and each column as name, type tag and
 * value, all length-prefixed and sorted by name. Different rows never share their bytes.
 *
 * @throws {TypeError} for `undefined`, fractions, unsafe integers, invalid dates and broken surrogate pairs.
 */
export function encodeRow(table: string, row: MacRow): Buffer {
  const columns = Object.keys(row)
    .filter((name) => name !== 'mac')
    .sort()
  const fields = columns.flatMap((name) => {
    // The names are the row's own; an `undefined` value is refused by encodeValue.
    const { tag, bytes } = encodeValue(name, row[name])
    return [lengthPrefixed(utf8(name)), Buffer.of(tag), lengthPrefixed(bytes)]
  })
  return Buffer.concat([DOMAIN, lengthPrefixed(utf8(table)), uint32(columns.length), ...fields])
}

function encodeValue(column: string, value: MacValue | undefined): { tag: number; bytes: Buffer } {
  if (value === null) return { tag: TYPE_TAGS.null, bytes: Buffer.alloc(0) }
  if (typeof value === 'string') return { tag: TYPE_TAGS.text, bytes: utf8(value) }
  if (typeof value === 'boolean') return { tag: TYPE_TAGS.boolean, bytes: Buffer.of(value ? 1 : 0) }
  if (typeof value === 'bigint' || isSafeInteger(value)) {
    // By way of BigInt, so that -0 is written as 0.
    return { tag: TYPE_TAGS.integer, bytes: Buffer.from(BigInt(value).toString()) }
  }
  if (value instanceof Date && !Number.isNaN(value.getTime())) {
    return { tag: TYPE_TAGS.timestamp, bytes: Buffer.from(String(value.getTime())) }
  }
  if (value instanceof Uint8Array) return { tag: TYPE_TAGS.bytes, bytes: Buffer.from(value) }
  if (isTextArray(value)) return { tag: TYPE_TAGS.texts, bytes: encodeTexts(value) }
  if (isPlainObject(value)) return { tag: TYPE_TAGS.json, bytes: Buffer.from(canonicalJson(value)) }
  throw new TypeError(`Column ${column} holds a value that has no canonical encoding.`)
}

function encodeTexts(texts: readonly string[]): Buffer {
  return Buffer.concat([uint32(texts.length), ...texts.map((text) => lengthPrefixed(utf8(text)))])
}

function isSafeInteger(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

function isTextArray(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

/** @throws {TypeError} for a broken surrogate pair: UTF-8 would turn it into the same bytes as another. */
function utf8(text: string): Buffer {
  if (!text.isWellFormed()) throw new TypeError('A broken surrogate pair has no canonical encoding.')
  return Buffer.from(text, 'utf8')
}

function lengthPrefixed(bytes: Buffer): Buffer {
  return Buffer.concat([uint32(bytes.length), bytes])
}

function uint32(value: number): Buffer {
  const field = Buffer.alloc(4)
  field.writeUInt32BE(value)
  return field
}
