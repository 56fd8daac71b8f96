import { SecretBytes } from '#envelope/secret-bytes.ts'
import { RequestError } from './request-error.ts'

const quote = 0x22
const backslash = 0x5c
const space = 0x20

/**
 * Moves the string value of one top-level member out of a JSON object, as bytes: it never becomes a JavaScript
 * string, which could not be wiped. What remains in `json` is an empty string in its place. Escapes are refused
 * in the value: credentials are plain ASCII.
 * @returns the value; null when the object has no such member, or `json` is not an object at all.
 * @throws {RequestError} `body_malformed` for a value with escapes, or a member that comes twice.
 */
export function takeSecretMember(json: Buffer, member: string): SecretBytes | null {
  const name = Buffer.from(`"${member}"`)
  let secret: SecretBytes | null = null
  let depth = 0
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at]
    if (byte === 0x7b || byte === 0x5b) depth += 1
    else if (byte === 0x7d || byte === 0x5d) depth -= 1
    else if (byte === quote) {
      const end = endOfString(json, at)
      const value = depth === 1 && json.subarray(at, end + 1).equals(name) ? startOfValue(json, end + 1) : -1
      if (value === -1) {
        at = end
        continue
      }
      if (secret !== null || json[value] !== quote) {
        secret?.[Symbol.dispose]()
        throw new RequestError('body_malformed', `"${member}" must be one string.`)
      }
      at = endOfString(json, value)
      if (at === value || json[at] !== quote) {
        throw new RequestError('body_malformed', 'The body is not valid JSON.')
      }
      secret = moveOut(json, value, at, member)
    }
  }
  return secret
}

/** Index of the quote that ends the string begun at `start`, or of the last byte when none does. */
function endOfString(json: Buffer, start: number): number {
  for (let at = start + 1; at < json.length; at += 1) {
    if (json[at] === backslash) at += 1
    else if (json[at] === quote) return at
  }
  return json.length - 1
}

/** Index of the value after the colon at or after `from`; -1 when what follows is not a value. */
function startOfValue(json: Buffer, from: number): number {
  const colon = skipSpace(json, from)
  return json[colon] === 0x3a ? skipSpace(json, colon + 1) : -1
}

function skipSpace(json: Buffer, from: number): number {
  let at = from
  while (at < json.length && (json[at] ?? 0xff) <= space) at += 1
  return at
}

function moveOut(json: Buffer, start: number, end: number, member: string): SecretBytes {
  const value = json.subarray(start + 1, end)
  if (value.includes(backslash)) {
    throw new RequestError('body_malformed', `"${member}" must be plain text without escapes.`)
  }
  const secret = SecretBytes.take(value)
  json.fill(space, start, end + 1)
  json.fill(quote, start, start + 2)
  return secret
}
