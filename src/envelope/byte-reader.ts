import { EnvelopeError } from './envelope-error.ts'

/** Reads length-checked big-endian fields from the front of `bytes`; what it returns are views, not copies. */
export class ByteReader {
  readonly #bytes: Buffer
  #offset = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get offset(): number {
    return this.#offset
  }

  /** @throws {EnvelopeError} `malformed` when fewer than `length` bytes are left. */
  take(length: number, field: string): Buffer {
    if (length > this.#bytes.length - this.#offset) {
      throw new EnvelopeError('malformed', `The envelope ends inside ${field}.`)
    }
    const start = this.#offset
    this.#offset += length
    return this.#bytes.subarray(start, this.#offset)
  }

  uint8(field: string): number {
    return this.take(1, field).readUInt8()
  }

  uint16(field: string): number {
    return this.take(2, field).readUInt16BE()
  }

  uint32(field: string): number {
    return this.take(4, field).readUInt32BE()
  }

  uint64(field: string): bigint {
    return this.take(8, field).readBigUInt64BE()
  }

  /** @throws {EnvelopeError} `malformed` when anything is left. */
  end(): void {
    if (this.#offset !== this.#bytes.length) {
      throw new EnvelopeError('malformed', 'Bytes follow the end of the envelope.')
    }
  }
}
