import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { isInstalled } from './installed.ts'

/**
 * The system under test has core 1 for itself. Load generator, upstream, this process and, on two cores, PostgreSQL
 * and the KMS emulator share core 0.
 */
const coreOfRest = '0'
const coreOfTested = '1'

export const isPinned = availableParallelism() > 1 && isInstalled('taskset')

/** Every child inherits the core of this process, unless {@link commandOnTestedCore} moves it. */
export function pinThisProcess(): void {
  if (isPinned) execFileSync('taskset', ['-acp', coreOfRest, String(process.pid)], { stdio: 'ignore' })
}

/** `taskset` replaces itself by the command: the process id is the command's own. */
export function commandOnTestedCore(command: readonly string[]): readonly string[] {
  return isPinned ? ['taskset', '-c', coreOfTested, ...command] : command
}
