import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib'
import type { CredentialMark } from './credential-mark.ts'

/** Providers' errors are a few hundred bytes, pages of an edge some ten thousand. */
const collectedBytesMax = 64 * 1024
const decodedBytesMax = 256 * 1024

/** RFC 9110 §8.4.1 and RFC 8878, as far as callers may ask for them. */
const decoders = new Map<string, (bytes: Buffer, limits: { maxOutputLength: number }) => Buffer>([
  ['identity', (bytes) => bytes],
  ['gzip', gunzipSync],
  ['x-gzip', gunzipSync],
  ['deflate', inflateSync],
  ['br', brotliDecompressSync],
  ['zstd', zstdDecompressSync],
])

/**
 * A provider's error on its way to the caller. Providers repeat in errors what they were sent, the credential among
 * it; so an error is held until it is whole, read through its encoding, and handed on with the credential masked.
 * One that can not be read, or is too long for an error, is handed on without its body.
 */
export class ErrorReply {
  readonly status: number
  readonly #headers: readonly string[]
  readonly #mark: CredentialMark
  #chunks: Buffer[] = []
  #length = 0

  /** @param headers those for the caller: name, value, name, value … in lower case. */
  constructor(status: number, headers: readonly string[], mark: CredentialMark) {
    this.status = status
    this.#headers = headers
    this.#mark = mark
  }

  /** @returns false where the error is too long: no more of it is needed. */
  add(chunk: Buffer): boolean {
    this.#length += chunk.length
    if (this.#length <= collectedBytesMax) this.#chunks.push(chunk)
    else this.#chunks = []
    return this.#length <= collectedBytesMax
  }

  /** What goes to the caller. */
  masked(): { headers: string[]; body: Buffer } {
    // Also the answer to HEAD, whose headers speak of a body that does not follow.
    if (this.#length === 0) return { headers: this.#maskedHeaders(() => true), body: Buffer.alloc(0) }
    const body = this.#decode()
    if (body !== null) this.#mark.maskIn(body)
    const isKept = (name: string) =>
      name !== 'content-length' && name !== 'content-encoding' && (body !== null || name !== 'content-type')
    const headers = this.#maskedHeaders(isKept)
    headers.push('content-length', String(body?.length ?? 0))
    return { headers, body: body ?? Buffer.alloc(0) }
  }

  #maskedHeaders(isKept: (name: string) => boolean): string[] {
    const masked: string[] = []
    for (let index = 0; index + 1 < this.#headers.length; index += 2) {
      const name = this.#headers[index] ?? ''
      if (!isKept(name)) continue
      masked.push(name, this.#mark.maskedHeader(this.#headers[index + 1] ?? ''))
    }
    return masked
  }

  /** Null where it can not be read. */
  #decode(): Buffer | null {
    const codings = this.#headers.filter(
      (_, index) => this.#headers[index - 1] === 'content-encoding' && index % 2 === 1,
    )
    // Several in a row no provider sends: what can not be read is not handed on.
    const decode = decoders.get(codings.length === 0 ? 'identity' : codings.join(',').trim().toLowerCase())
    if (decode === undefined || this.#length > collectedBytesMax) return null
    try {
      return decode(Buffer.concat(this.#chunks), { maxOutputLength: decodedBytesMax })
    } catch {
      return null
    }
  }
}
