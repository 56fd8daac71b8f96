import { styleText } from 'node:util'
import { printLine, type CliIo } from '#cli/io.ts'
import { printable, widthOf } from '#cli/output/printable.ts'

/** Something that the demo says of Hasp, and whether it was so. */
export type Claim = Readonly<{ what: string; isHeld: boolean; detail: string }>

type Style = Parameters<typeof styleText>[0]

const indent = '   '
const widthMax = 110

/** What the demo tells, and the claims that it checks as it goes. */
export class Screen {
  readonly claims: Claim[] = []
  readonly #io: CliIo
  readonly #isJson: boolean
  readonly #isColoured: boolean
  readonly #interrupted: AbortSignal
  readonly #printed: string[] = []
  #acts = 0

  /** @param interrupted ends the demo at whatever it waits for. */
  constructor(io: CliIo, options: { isJson: boolean; interrupted: AbortSignal }) {
    this.#io = io
    this.#isJson = options.isJson
    this.#interrupted = options.interrupted
    const { NO_COLOR, TERM } = io.env
    this.#isColoured =
      io.stdout.isTTY === true && (NO_COLOR === undefined || NO_COLOR === '') && TERM !== 'dumb'
  }

  /** Everything said so far, as it was said. */
  get printed(): string {
    return this.#printed.join('\n')
  }

  title(text: string, below: string): void {
    this.#print(this.#styled('bold', text))
    this.#print(this.#styled('dim', below))
  }

  act(title: string, ...story: string[]): void {
    this.#acts += 1
    this.#print('')
    this.#print(`${this.#styled('dim', String(this.#acts))}  ${this.#styled('bold', title)}`)
    for (const line of story) this.#print(indent + this.#styled('dim', line))
  }

  /** Names and values below each other. */
  facts(facts: readonly (readonly [name: string, value: string])[]): void {
    const width = Math.max(...facts.map(([name]) => name.length))
    for (const [name, value] of facts) {
      this.#print(`${indent}${this.#styled('dim', name.padEnd(width))}  ${printable(value)}`)
    }
  }

  line(text = ''): void {
    this.#print(text === '' ? '' : indent + printable(text))
  }

  /**
   * Checks a claim: it holds unless `prove` throws, and what `prove` returns is shown beside it.
   * @throws the reason of the interruption, and nothing else.
   */
  async claim(what: string, prove: () => Promise<string> | string): Promise<void> {
    const claim = await this.#check(what, prove)
    this.claims.push(claim)
    const mark = claim.isHeld ? this.#styled('green', '✓') : this.#styled(['red', 'bold'], '✗')
    const detail = printable(claim.detail)
    const isShort = widthOf(what) + widthOf(detail) + 7 <= this.#width
    this.#print(` ${mark} ${what}${isShort && detail !== '' ? `  ${this.#styled('dim', detail)}` : ''}`)
    if (!isShort) this.#print(indent + this.#styled('dim', detail))
  }

  /** The last word. @returns whether every claim held. */
  verdict(durationMs: number): boolean {
    const failed = this.claims.filter((claim) => !claim.isHeld)
    const isHeld = failed.length === 0 && this.claims.length > 0
    const seconds = `${(durationMs / 1000).toFixed(1)} s`
    this.#print('')
    this.#print(
      isHeld
        ? this.#styled(['green', 'bold'], `All ${this.claims.length} claims held, in ${seconds}.`)
        : this.#styled(
            ['red', 'bold'],
            `${failed.length} of ${this.claims.length} claims did not hold, after ${seconds}:`,
          ),
    )
    for (const { what, detail } of failed) this.line(`${what}: ${detail}`)
    if (this.#isJson) {
      const { claims } = this
      printLine(this.#io, JSON.stringify({ isHeld, durationMs: Math.round(durationMs), claims }, null, 2))
    }
    return isHeld
  }

  async #check(what: string, prove: () => Promise<string> | string): Promise<Claim> {
    const signal = this.#interrupted
    signal.throwIfAborted()
    const interrupted = Promise.withResolvers<never>()
    const onAbort = () => interrupted.reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      const detail = await Promise.race([(async () => prove())(), interrupted.promise])
      return { what, isHeld: true, detail }
    } catch (error) {
      signal.throwIfAborted()
      return { what, isHeld: false, detail: error instanceof Error ? error.message : 'failed' }
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  get #width(): number {
    return Math.min(this.#io.stdout.columns ?? widthMax, widthMax)
  }

  #styled(style: Style, text: string): string {
    return this.#isColoured && text !== '' ? styleText(style, text, { validateStream: false }) : text
  }

  #print(text: string): void {
    this.#printed.push(text)
    if (!this.#isJson) printLine(this.#io, text)
  }
}

/** @throws {Error} with what was found instead, when `isSo` is false. */
export function demand(isSo: boolean, otherwise: string): asserts isSo {
  if (!isSo) throw new Error(otherwise)
}

export function milliseconds(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`
}
