import type { MacRow, MacValue } from '#integrity/row-encoding.ts'
import type { JsonObject } from '#integrity/canonical-json.ts'

/** A row as JSON can hold it: each value with its type. */
export type TypedValue =
  | { type: 'null' }
  | { type: 'text'; value: string }
  | { type: 'integer'; value: string }
  | { type: 'boolean'; value: boolean }
  | { type: 'timestamp'; value: string }
  | { type: 'bytes'; hex: string }
  | { type: 'texts'; value: string[] }
  | { type: 'json'; value: JsonObject }

export function toMacRow(row: Record<string, TypedValue>): MacRow {
  return Object.fromEntries(Object.entries(row).map(([name, typed]) => [name, toMacValue(typed)]))
}

function toMacValue(typed: TypedValue): MacValue {
  if (typed.type === 'null') return null
  if (typed.type === 'integer') return BigInt(typed.value)
  if (typed.type === 'timestamp') return new Date(typed.value)
  if (typed.type === 'bytes') return Buffer.from(typed.hex, 'hex')
  return typed.value
}
