import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { commandOnTestedCore } from './cpus.ts'

export type Child = Readonly<{
  pid: number
  /** The lines of its standard output up to and with the one that said that it is ready. */
  lines: readonly string[]
}>

type StartChild = Readonly<{
  command: readonly string[]
  env?: Record<string, string>
  isTested?: boolean
  /** Resolves when a line of its standard output fits this. */
  readyWhen: RegExp
}>

const readyWithinMs = 60_000
const stopWithinMs = 10_000

/** Starts a process and waits until it says that it is ready; the stack stops it. @throws {Error} when it ends first. */
export async function startChild(stack: AsyncDisposableStack, start: StartChild): Promise<Child> {
  const [program = '', ...args] = start.isTested === true ? commandOnTestedCore(start.command) : start.command
  const child = spawn(program, args, {
    env: { ...process.env, ...start.env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  stack.defer(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    const exited = once(child, 'exit')
    if ((await Promise.race([exited, sleep(stopWithinMs, 'late')])) === 'late') child.kill('SIGKILL')
    await exited
  })
  const lines: string[] = []
  const ready = new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (lines.push(line) > 1000) lines.shift()
      if (start.readyWhen.test(line)) resolve()
    })
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${start.command.join(' ')} ended with code ${code}.`)))
    setTimeout(() => reject(new Error(`${start.command.join(' ')} is not ready.`)), readyWithinMs).unref()
  })
  await ready
  return { pid: child.pid ?? 0, lines: [...lines] }
}

/** A server of this folder as a process of its own; it prints the address it listens on. */
export async function startServer(
  stack: AsyncDisposableStack,
  script: URL,
  args: readonly string[],
  { isTested }: { isTested: boolean },
): Promise<{ url: string; pid: number }> {
  const command = [process.execPath, script.pathname, ...args]
  const { pid, lines } = await startChild(stack, { command, isTested, readyWhen: /^http:\/\// })
  return { url: lines.at(-1) ?? '', pid }
}
