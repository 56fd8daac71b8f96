export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject
/** A field that is undefined is left out, as `JSON.stringify` does. */
export type JsonObject = { readonly [name: string]: JsonValue | undefined }

/**
 * The one text of a JSON value: names sorted by UTF-16 code units, no white space, numbers and strings as
 * ECMAScript writes them (RFC 8785, JSON Canonicalization Scheme).
 * @throws {TypeError} for a number that JSON does not have (NaN, Infinity).
 */
export function canonicalJson(value: JsonValue): string {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError('JSON has no such number.')
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const fields = Object.entries(value)
    .flatMap(([name, field]) => (field === undefined ? [] : [{ name, field }]))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return `{${fields.map(({ name, field }) => `${JSON.stringify(name)}:${canonicalJson(field)}`).join(',')}}`
}

/** `Array.isArray` does not narrow read-only arrays. */
function isArray(value: object): value is readonly JsonValue[] {
  return Array.isArray(value)
}
