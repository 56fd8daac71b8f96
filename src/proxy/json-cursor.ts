import { Refusal } from './refusal.ts'

/** Deeper nesting than any API takes; bounds the recursion. */
const depthMax = 512
/** A string is walked byte by byte this far, then in jumps from quote to quote: faster for prompts and images. */
const walkedBytesMax = 64

/**
 * Reads JSON (RFC 8259) in place without building it: strict in all that decides where a value ends, so that no
 * parser can see other members than we do. What stands inside a string that is only passed over is not judged: only
 * `\` and `"` can end it, and the provider judges the rest.
 * Every method leaves the cursor behind what it read and throws {@link Refusal} `body_malformed` with the byte
 * offset, never with content.
 */
export class JsonCursor {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** Offset of the next byte that is not white space. */
  skipSpace(): number {
    let byte = this.#bytes[this.#at]
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = this.#bytes[++this.#at]
    return this.#at
  }

  /** Reads white space, then this byte if it comes next. */
  take(byte: number): boolean {
    if (this.#bytes[this.skipSpace()] !== byte) return false
    this.#at++
    return true
  }

  expect(byte: number): void {
    if (!this.take(byte)) throw this.#malformed()
  }

  expectEnd(): void {
    if (this.skipSpace() !== this.#bytes.length) throw this.#malformed()
  }

  /** Passes over one string; returns the offset behind its closing quote. */
  skipString(): number {
    this.expect(quote)
    const bytes = this.#bytes
    let at = this.#at
    for (;;) {
      const walkEnd = Math.min(at + walkedBytesMax, bytes.length)
      while (at < walkEnd) {
        const byte = bytes[at]
        if (byte === quote) return (this.#at = at + 1)
        at += byte === backslash ? 2 : 1
      }
      if (at >= bytes.length) throw this.#malformed(bytes.length)
      const found = bytes.indexOf(quote, at)
      if (found === -1) throw this.#malformed(bytes.length)
      const isClosing = !isEscaped(bytes, found, at)
      at = found + 1
      if (isClosing) return (this.#at = at)
    }
  }

  /** Passes over one value of any kind; returns the offset behind it. */
  skipValue(depth = 0): number {
    const byte = this.#bytes[this.skipSpace()]
    if (byte === quote) return this.skipString()
    if (byte === openBrace) return this.#skipObject(depth)
    if (byte === openBracket) return this.#skipArray(depth)
    if (byte === 0x74) return this.#skipWord('true')
    if (byte === 0x66) return this.#skipWord('false')
    if (byte === 0x6e) return this.#skipWord('null')
    return this.#skipNumber()
  }

  #skipObject(depth: number): number {
    if (depth >= depthMax) throw this.#malformed()
    this.#at++
    if (this.take(closeBrace)) return this.#at
    do {
      this.skipString()
      this.expect(colon)
      this.skipValue(depth + 1)
    } while (this.take(comma))
    this.expect(closeBrace)
    return this.#at
  }

  #skipArray(depth: number): number {
    if (depth >= depthMax) throw this.#malformed()
    this.#at++
    if (this.take(closeBracket)) return this.#at
    do this.skipValue(depth + 1)
    while (this.take(comma))
    this.expect(closeBracket)
    return this.#at
  }

  #skipWord(word: string): number {
    for (let index = 0; index < word.length; index++) {
      if (this.#bytes[this.#at + index] !== word.charCodeAt(index)) throw this.#malformed()
    }
    return (this.#at += word.length)
  }

  /** `-? (0 | [1-9] digits) (. digits)? ([eE] [+-]? digits)?` */
  #skipNumber(): number {
    if (this.#bytes[this.#at] === minus) this.#at++
    if (this.#bytes[this.#at] === zero) this.#at++
    else this.#skipDigits()
    if (this.#bytes[this.#at] === 0x2e) {
      this.#at++
      this.#skipDigits()
    }
    const exponent = this.#bytes[this.#at]
    if (exponent === 0x65 || exponent === 0x45) {
      this.#at++
      const sign = this.#bytes[this.#at]
      if (sign === plus || sign === minus) this.#at++
      this.#skipDigits()
    }
    return this.#at
  }

  #skipDigits(): void {
    const start = this.#at
    let byte = this.#bytes[this.#at]
    while (byte !== undefined && byte >= zero && byte <= 0x39) byte = this.#bytes[++this.#at]
    if (this.#at === start) throw this.#malformed()
  }

  #malformed(at = this.#at): Refusal {
    const where = at >= this.#bytes.length ? 'it ends too early' : `at byte ${at}`
    return new Refusal('body_malformed', { message: `The request body is not valid JSON: ${where}.` })
  }
}

/** Whether an odd number of backslashes stands before `at`, of those from `start` on, where none is pending. */
function isEscaped(bytes: Buffer, at: number, start: number): boolean {
  let first = at
  while (first > start && bytes[first - 1] === backslash) first--
  return (at - first) % 2 === 1
}

const quote = 0x22
const backslash = 0x5c
const colon = 0x3a
const comma = 0x2c
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d
const zero = 0x30
const minus = 0x2d
const plus = 0x2b
