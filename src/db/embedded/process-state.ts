import { readFileSync } from 'node:fs'

/** Whether a process of this id runs. A zombie (dead, its parent has not noticed) does not. */
export function isProcessAlive(pid: number): boolean {
  return isPidTaken(pid) && !isZombie(pid)
}

/** Whether the system has any process of this id, dead or alive. */
export function isPidTaken(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it is somebody else's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** The words of a process's command line; undefined where the system does not tell. */
export function commandLineOf(pid: number): string[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      .split('\0')
      .filter((word) => word !== '')
  } catch {
    return undefined
  }
}

function isZombie(pid: number): boolean {
  try {
    // proc(5): the state follows the program's name, which is in brackets and may itself hold any character.
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return status.slice(status.lastIndexOf(')') + 2, status.lastIndexOf(')') + 3) === 'Z'
  } catch {
    return false
  }
}
