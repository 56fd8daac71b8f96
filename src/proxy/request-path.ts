import { withoutCredentials } from './credential-query.ts'
import { Refusal } from './refusal.ts'

const targetBytesMax = 8192

export type RequestPath = Readonly<{
  /** Begins with `/`; the caller's bytes. */
  path: string
  /** Empty, or `?` and the caller's bytes without the parameters that carry credentials. */
  query: string
}>

/**
 * Splits a request target and refuses every spelling that a server further on could read as another path: dot
 * segments, empty segments, `\`, `;`, and any percent-encoding that decodes to something which needs none
 * (RFC 3986 §2.3) or that hides a separator, a percent sign, a control or a non-ASCII byte. No SDK writes these.
 * What passes is therefore the same path to everybody, and is forwarded byte for byte.
 * @throws {Refusal} `path_refused`.
 */
export function parseRequestPath(target: string): RequestPath {
  if (target.length > targetBytesMax)
    throw refusal(`The request target is longer than ${targetBytesMax} bytes.`)
  if (target.charCodeAt(0) !== slash) throw refusal('The request target must be a path that begins with "/".')
  const mark = target.indexOf('?')
  const pathEnd = mark === -1 ? target.length : mark
  checkPath(target, pathEnd)
  if (mark === -1) return { path: target, query: '' }
  checkQuery(target, mark)
  return { path: target.slice(0, pathEnd), query: withoutCredentials(target.slice(mark)) }
}

const slash = 0x2f
const dot = 0x2e
const percent = 0x25

function checkPath(target: string, end: number): void {
  let segmentStart = 0
  for (let at = 0; at < end; at++) {
    const code = target.charCodeAt(at)
    if (code === slash) {
      checkSegment(target, segmentStart, at)
      segmentStart = at + 1
    } else if (code === percent) {
      if (!isNeededEncoding(target.charCodeAt(at + 1), target.charCodeAt(at + 2))) {
        throw refusal(`The path has a percent-encoding that Hasp does not forward, at byte ${at}.`)
      }
    } else if (!isPlain(code)) {
      throw refusal(`The path has a character that must not stand there, at byte ${at}.`)
    }
  }
  checkSegment(target, segmentStart, end, true)
}

/** Empty is allowed before the first slash and behind a trailing one; any other empty segment is `//`. */
function checkSegment(target: string, start: number, end: number, isLast = false): void {
  const length = end - start
  if (length === 0 && start > 0 && !isLast) throw refusal('The path has an empty segment ("//").')
  if (length === 1 && target.charCodeAt(start) === dot) throw refusal('The path has a "." segment.')
  if (length === 2 && target.charCodeAt(start) === dot && target.charCodeAt(start + 1) === dot) {
    throw refusal('The path has a ".." segment.')
  }
}

function checkQuery(target: string, start: number): void {
  for (let at = start; at < target.length; at++) {
    const code = target.charCodeAt(at)
    if (code <= 0x20 || code >= 0x7f || code === 0x23) {
      throw refusal(`The query has a character that must not stand there, at byte ${at}.`)
    }
  }
}

/** Printable ASCII without space, `#` (fragment), `;` (path parameters) and `\` (a slash to some servers). */
function isPlain(code: number): boolean {
  return code > 0x20 && code < 0x7f && code !== 0x23 && code !== 0x3b && code !== 0x5c
}

/** Whether `%` and these two characters stand for an ASCII character that a path segment has to encode. */
function isNeededEncoding(high: number, low: number): boolean {
  const byte = hexValue(high) * 16 + hexValue(low)
  return byte === 0x20 || (isPlain(byte) && byte !== slash && byte !== percent && !isUnreserved(byte))
}

function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : Number.NaN
}

/** RFC 3986 §2.3: letters, digits, `-`, `.`, `_`, `~`. */
function isUnreserved(code: number): boolean {
  const lower = code | 0x20
  if ((lower >= 0x61 && lower <= 0x7a) || (code >= 0x30 && code <= 0x39)) return true
  return code === 0x2d || code === dot || code === 0x5f || code === 0x7e
}

function refusal(message: string): Refusal {
  return new Refusal('path_refused', { message })
}
