import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const bin = `${repository}bin/hasp`
/** A first start makes a whole PostgreSQL. */
const printTimeoutMs = 60_000
/** How often the command line of each process is looked at. */
const sampleMs = 20

export type CliResult = Readonly<{ code: number | null; stdout: string; stderr: string }>

/** A running `hasp`, or whatever else was started in a terminal. */
export type RunningCli = AsyncDisposable &
  Readonly<{
    child: ChildProcessWithoutNullStreams
    stdout: () => string
    stderr: () => string
    /** Resolves when standard output holds `text`. */
    printed: (text: string | RegExp) => Promise<void>
    ended: () => Promise<CliResult>
    /** As `/proc` shows it to every user of the machine. */
    commandLine: () => Promise<string>
  }>

/** Everything that commands of this test file printed, and every command line that they ran as. */
export class Seen {
  readonly outputs: string[] = []
  readonly commandLines = new Set<string>()
}

/** Starts the real `bin/hasp` with nothing of our own environment but PATH and HOME. */
export function startCli(seen: Seen, argv: readonly string[], env: Record<string, string>): RunningCli {
  return startProcess(seen, bin, argv, env)
}

/** Runs the real `bin/hasp` to its end, with `input` as its standard input. */
export async function runCli(
  seen: Seen,
  argv: readonly string[],
  env: Record<string, string>,
  input = '',
): Promise<CliResult> {
  await using cli = startCli(seen, argv, env)
  // A command that reads no input may have ended before it is written.
  cli.child.stdin.on('error', () => {}).end(input)
  return await cli.ended()
}

/** A shell on a pseudo-terminal, by `script` of util-linux. */
export function startTerminal(seen: Seen, env: Record<string, string>): RunningCli {
  const shell = 'stty cols 200; PS1="$ " exec bash --norc --noprofile -i'
  return startProcess(seen, 'script', ['-qec', shell, '/dev/null'], { TERM: 'dumb', ...env })
}

function startProcess(
  seen: Seen,
  command: string,
  argv: readonly string[],
  env: Record<string, string>,
): RunningCli {
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(command, argv, { cwd: repository, env: { PATH, HOME, ...env } })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const commandLine = () => readFile(`/proc/${child.pid}/cmdline`, 'utf8').catch(() => '')
  const sampler = setInterval(() => void commandLine().then((line) => seen.commandLines.add(line)), sampleMs)
  const closed = once(child, 'close').finally(() => clearInterval(sampler))
  const ended = async () => {
    await closed
    return { code: child.exitCode, stdout, stderr }
  }
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    async printed(text) {
      const deadline = Date.now() + printTimeoutMs
      while (typeof text === 'string' ? !stdout.includes(text) : !text.test(stdout)) {
        if (Date.now() > deadline || child.exitCode !== null) {
          throw new Error(`${String(text)} was not printed, but:\n${stdout}\n${stderr}`)
        }
        await sleep(20)
      }
    },
    ended,
    commandLine,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      await closed
      seen.outputs.push(stdout, stderr)
    },
  }
}
