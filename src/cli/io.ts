import type { Readable, Writable } from 'node:stream'

/** What a command may touch of the process it runs in; `main.ts` hands it over, tests their own. */
export type CliIo = Readonly<{
  argv: readonly string[]
  env: Readonly<Record<string, string | undefined>>
  stdin: Readable & { isTTY?: boolean; setRawMode?: (isRaw: boolean) => unknown }
  stdout: Writable & { isTTY?: boolean; columns?: number }
  stderr: Writable & { isTTY?: boolean }
  /** Registers what to do when the process is asked to stop (SIGINT, SIGTERM). */
  onSignal: (listener: () => void) => void
}>

export function printLine(io: Pick<CliIo, 'stdout'>, line = ''): void {
  io.stdout.write(`${line}\n`)
}

export function printError(io: Pick<CliIo, 'stderr'>, line: string): void {
  io.stderr.write(`${line}\n`)
}
