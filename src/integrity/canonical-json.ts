export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject
export type JsonObject = { readonly [name: string]: JsonValue }

/**
 * The one text of a JSON value, after RFC 8785 (JCS): object members sorted by UTF-16 code units, no spaces,
 * numbers and strings as ECMAScript writes them.
 *
 * @throws {TypeError} for what JSON cannot hold: non-finite numbers, `undefined`, functions, class instances,
 *   strings with a broken surrogate pair.
 */
export function canonicalJson(value: JsonValue): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return canonicalString(value)
  if (typeof value === 'number') return canonicalNumber(value)
  if (isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (isPlainObject(value)) return canonicalObject(value)
  throw new TypeError('Canonical JSON takes plain JSON values only.')
}

/** Whether `value` is an object that came from a literal or a JSON parser, not an instance of a class. */
export function isPlainObject(value: unknown): value is JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function canonicalObject(value: JsonObject): string {
  const members = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${canonicalString(name)}:${canonicalJson(member)}`)
  return `{${members.join(',')}}`
}

function canonicalString(value: string): string {
  if (!value.isWellFormed()) throw new TypeError('Canonical JSON refuses a broken surrogate pair.')
  return JSON.stringify(value)
}

function canonicalNumber(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError('Canonical JSON refuses non-finite numbers.')
  return JSON.stringify(value)
}

/** `Array.isArray` does not narrow readonly arrays. */
function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}
