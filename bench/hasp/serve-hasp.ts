import { startChild } from '../proxy/child-process.ts'

const executable = new URL('../../bin/hasp', import.meta.url).pathname

/** A Hasp as an operator starts it: `bin/hasp serve`, so with its GLIBC tunables, in a process of its own. */
export type ServedHasp = Readonly<{ pid: number; url: string }>

/**
 * Starts it on an empty data directory, where it prints the token of its first administrator.
 * @param isTested whether it gets the core of the system under test.
 */
export async function serveNewHasp(
  stack: AsyncDisposableStack,
  env: Record<string, string>,
  { isTested = false } = {},
): Promise<ServedHasp & Readonly<{ token: string }>> {
  const { pid, output } = await serve(stack, env, /hasp_admin_\w+/, isTested)
  return { pid, url: found(output, /listens on (\S+)/), token: found(output, /(hasp_admin_\w+)/) }
}

/** Starts it again on what an earlier one left. */
export async function serveHaspAgain(
  stack: AsyncDisposableStack,
  env: Record<string, string>,
): Promise<ServedHasp> {
  const { pid, output } = await serve(stack, env, /listens on/)
  return { pid, url: found(output, /listens on (\S+)/) }
}

async function serve(
  stack: AsyncDisposableStack,
  env: Record<string, string>,
  readyWhen: RegExp,
  isTested = false,
) {
  const settings = { HASP_PORT: '0', HASP_LOG_LEVEL: 'warn', HASP_DRAIN_TIMEOUT_MS: '500', ...env }
  const command = [executable, 'serve']
  const { pid, lines } = await startChild(stack, { command, env: settings, readyWhen, isTested })
  return { pid, output: lines.join('\n') }
}

function found(text: string, pattern: RegExp): string {
  const match = pattern.exec(text)?.[1]
  if (match === undefined) throw new Error(`Hasp did not say what was expected: ${pattern}`)
  return match
}
