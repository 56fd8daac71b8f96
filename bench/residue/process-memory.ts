import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

export type Mapping = Readonly<{ start: number; end: number; permissions: string; name: string }>

const pageBytes = 4096

/** Runs `look` while the process stands still (SIGSTOP), and lets it go on afterwards. */
export async function whileStopped<Result>(pid: number, look: () => Result): Promise<Result> {
  process.kill(pid, 'SIGSTOP')
  try {
    while (!isStopped(pid)) await sleep(5)
    return look()
  } finally {
    process.kill(pid, 'SIGCONT')
  }
}

/** Every mapping that the process itself could read, files and stacks among them. */
export function readableMappings(pid: number): Mapping[] {
  const mappings: Mapping[] = []
  for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
    const match = /^([0-9a-f]+)-([0-9a-f]+) (r\S+) \S+ \S+ \S+\s*(.*)$/.exec(line)
    if (match === null) continue
    const [, start = '', end = '', permissions = '', name = ''] = match
    mappings.push({
      start: Number.parseInt(start, 16),
      end: Number.parseInt(end, 16),
      permissions,
      name: name === '' ? '(anonymous)' : name,
    })
  }
  return mappings
}

/** The memory of another process (Linux: /proc/PID/mem; needs the right to trace it). */
export class ProcessMemory implements Disposable {
  readonly #file: number

  constructor(pid: number) {
    this.#file = openSync(`/proc/${pid}/mem`, 'r')
  }

  /** Fills `into` from `address` on, page by page where the kernel refuses some: those stay zero. @returns bytes not readable */
  read(into: Buffer, address: number): number {
    if (this.#tryRead(into, 0, into.length, address)) return 0
    let unreadable = 0
    for (let at = 0; at < into.length; at += pageBytes) {
      const length = Math.min(pageBytes, into.length - at)
      if (this.#tryRead(into, at, length, address + at)) continue
      into.fill(0, at, at + length)
      unreadable += length
    }
    return unreadable
  }

  [Symbol.dispose](): void {
    closeSync(this.#file)
  }

  #tryRead(into: Buffer, at: number, length: number, address: number): boolean {
    try {
      return readSync(this.#file, into, at, length, address) === length
    } catch {
      return false
    }
  }
}

function isStopped(pid: number): boolean {
  // The state stands after the command's name, which is in brackets and may hold anything.
  return readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .startsWith('T')
}
