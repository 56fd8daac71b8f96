import { timingSafeEqual } from 'node:crypto'
import { inspect } from 'node:util'

/**
 * Typed arrays of at most 64 bytes live on V8's own heap, where the collector copies them about; larger ones
 * have memory of their own that can be wiped for certain (measured: bench/residue). So every secret gets at
 * least this much room.
 */
const OFF_HEAP_BYTES_MIN = 128

/**
 * Owns the bytes of one secret: zeroes them on dispose, and never shows them by accident (JSON, template
 * strings, `console.log`, a debugger's inspect all print `[secret]`). Hold it with `using`.
 *
 * @throws {Error} from every accessor once disposed: a wiped secret must never pass for an empty one.
 */
export class SecretBytes implements Disposable {
  readonly #bytes: Buffer
  #isDisposed = false

  private constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** A zeroed secret of `length` bytes, to be filled through {@link unsafeBytes}. */
  static alloc(length: number): SecretBytes {
    return new SecretBytes(Buffer.alloc(Math.max(length, OFF_HEAP_BYTES_MIN)).subarray(0, length))
  }

  /** Copies `source` into a new secret and zeroes `source`: afterwards there is one copy, and it has an owner. */
  static take(source: Uint8Array): SecretBytes {
    const secret = SecretBytes.alloc(source.byteLength)
    secret.#bytes.set(source)
    source.fill(0)
    return secret
  }

  get length(): number {
    return this.#live().length
  }

  /** The bytes themselves, not a copy. Never keep the returned Buffer beyond the life of this object. */
  unsafeBytes(): Buffer {
    return this.#live()
  }

  /** Compares in constant time; false when the lengths differ. */
  equals(other: SecretBytes): boolean {
    const mine = this.#live()
    const theirs = other.#live()
    return mine.length === theirs.length && timingSafeEqual(mine, theirs)
  }

  [Symbol.dispose](): void {
    this.#bytes.fill(0)
    this.#isDisposed = true
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [inspect.custom](): string {
    return '[secret]'
  }

  #live(): Buffer {
    if (this.#isDisposed) throw new Error('This secret has been disposed of.')
    return this.#bytes
  }
}
