import { printError, printLine, type CliIo } from '#cli/io.ts'
import { commandWord } from './as-typed.ts'

/** Where answers go: standard output, as text for people or as one JSON value for machines. */
export class Output {
  readonly #io: CliIo
  readonly isJson: boolean
  /** What people type for `hasp`, for commands in answers and notes. */
  readonly hasp: string

  constructor(io: CliIo, isJson: boolean) {
    this.#io = io
    this.hasp = commandWord(io)
    this.isJson = isJson
  }

  /** How wide text may be; unlimited where nobody looks at it on a terminal. */
  get columns(): number {
    // A terminal that does not know its width says 0.
    return this.#io.stdout.isTTY === true ? this.#io.stdout.columns || 80 : Infinity
  }

  /** The answer. `text` is only called for people. */
  answer(value: unknown, text: () => string): void {
    printLine(this.#io, this.isJson ? JSON.stringify(value, null, 2) : text())
  }

  /** A word to people beside the answer; machines are not told. */
  note(text: string): void {
    if (!this.isJson) printError(this.#io, text)
  }
}
