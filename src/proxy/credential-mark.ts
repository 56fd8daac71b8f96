import { randomInt } from 'node:crypto'

/** Odd, so that no byte drops out of a digest; of this process alone, so that a digest says nothing outside of it. */
const base = randomInt(2 ** 31) * 2 + 1

/** Enough to tell one credential from another, and few enough to find one that was cut short. */
const markedBytesMax = 20

const asterisk = 0x2a

/** What ends a credential in a text: it holds neither spaces nor, in practice, quotes, brackets or commas. */
const delimiters: ReadonlySet<number> = new Set(Buffer.from('"\'`\\<>(){}[],;*'))

/**
 * Recognises a lent credential without knowing it: by 32 bits that its first bytes make under a secret of this
 * process. Any other text is taken for it once in four thousand million places, and then loses some characters.
 */
export class CredentialMark {
  #length = 0
  #digest = 0
  /** What a byte has grown to when it leaves the window. */
  #outgoing = 0

  /** Remembers the credential that lies in `bytes`. */
  note(bytes: Buffer, offset: number, length: number): void {
    this.#length = Math.min(length, markedBytesMax)
    this.#digest = digestOf(bytes, offset, this.#length)
    this.#outgoing = 1
    for (let count = 0; count < this.#length; count += 1) this.#outgoing = Math.imul(this.#outgoing, base)
  }

  /** Writes asterisks over every place in `bytes` where the credential, or a beginning of it, stands. */
  maskIn(bytes: Buffer): void {
    const length = this.#length
    if (length === 0) return
    for (let start = 0; start + length <= bytes.length;) {
      const found = this.#find(bytes, start)
      if (found === -1) return
      start = found + length
      while (start < bytes.length && isOfCredential(bytes[start] ?? 0)) start += 1
      bytes.fill(asterisk, found, start)
    }
  }

  /** `value` of a header, one byte for each character, as {@link maskIn} leaves it. */
  maskedHeader(value: string): string {
    if (this.#length === 0 || value.length < this.#length) return value
    const bytes = Buffer.from(value, 'latin1')
    this.maskIn(bytes)
    return bytes.toString('latin1')
  }

  /** Rolls one window over the bytes (Rabin and Karp). */
  #find(bytes: Buffer, from: number): number {
    const length = this.#length
    let digest = digestOf(bytes, from, length)
    for (let start = from; ; start += 1) {
      if (digest === this.#digest) return start
      const next = bytes[start + length]
      if (next === undefined) return -1
      digest = (Math.imul(digest, base) + next - Math.imul(bytes[start] ?? 0, this.#outgoing)) | 0
    }
  }
}

function digestOf(bytes: Buffer, offset: number, length: number): number {
  let digest = 0
  for (let index = offset; index < offset + length; index += 1) {
    digest = (Math.imul(digest, base) + (bytes[index] ?? 0)) | 0
  }
  return digest
}

function isOfCredential(byte: number): boolean {
  return byte > 0x20 && byte < 0x7f && !delimiters.has(byte)
}
