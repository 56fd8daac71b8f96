import type { CliIo } from '#cli/io.ts'

/** Whether somebody is there to be asked: questions go to standard error, answers come from standard input. */
export function isInteractive(io: Pick<CliIo, 'stdin' | 'stderr'>): boolean {
  return io.stdin.isTTY === true && io.stderr.isTTY === true
}
