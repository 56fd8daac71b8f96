import { CliError } from '#cli/cli-error.ts'
import type { CliIo } from '#cli/io.ts'

const controlC = 0x03
const controlD = 0x04
const controlU = 0x15
const backspace = 0x08
const del = 0x7f
const escape = 0x1b
const bytesMax = 8192

/**
 * Asks for a secret without showing what is typed. The bytes never become a string; the Buffer is the caller's to
 * wipe.
 * @throws {CliError} `cancelled` on Ctrl-C, and on Ctrl-D at an empty line
 */
export async function askHidden(io: CliIo, question: string): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const line = new TypedLine()
  const onData = (chunk: Buffer) => {
    const end = line.type(chunk)
    chunk.fill(0)
    if (end === 'entered') resolve(line.take())
    if (end === 'cancelled') reject(new CliError('cancelled', 'cancelled: nothing was sent.'))
  }
  const onEnd = () => reject(new CliError('cancelled', 'cancelled: the input ended.'))
  // Before the question: who answers at once must not be echoed either.
  io.stdin.setRawMode?.(true)
  io.stderr.write(question)
  io.stdin.on('data', onData).once('end', onEnd).resume()
  try {
    return await promise
  } finally {
    io.stdin.off('data', onData).off('end', onEnd).pause()
    io.stdin.setRawMode?.(false)
    io.stderr.write('\n')
    line.wipe()
  }
}

/** One line as it is typed into a terminal in raw mode. */
export class TypedLine {
  readonly #bytes = Buffer.alloc(bytesMax)
  #length = 0

  /** Takes keys in. @returns whether they ended the line, one way or the other */
  type(keys: Uint8Array): 'entered' | 'cancelled' | undefined {
    for (const byte of keys) {
      if (byte === 0x0d || byte === 0x0a) return 'entered'
      if (byte === controlC) return 'cancelled'
      if (byte === controlD) return this.#length === 0 ? 'cancelled' : 'entered'
      if (byte === escape) return undefined // Arrow keys and the like come as one chunk: nothing of it is text.
      if (byte === backspace || byte === del) this.#length = Math.max(0, this.#length - 1)
      else if (byte === controlU) this.#length = 0
      else if (byte >= 0x20 && this.#length < bytesMax) {
        this.#bytes[this.#length] = byte
        this.#length += 1
      }
    }
    return undefined
  }

  /** A copy of what was typed. */
  take(): Buffer {
    const typed = Buffer.alloc(this.#length)
    this.#bytes.copy(typed, 0, 0, this.#length)
    return typed
  }

  wipe(): void {
    this.#bytes.fill(0)
    this.#length = 0
  }
}
