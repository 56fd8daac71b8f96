import { readdirSync, readFileSync } from 'node:fs'

/**
 * CPU time that a process and its children have had, in microseconds, from the scheduler's own count of every thread
 * (`/proc/PID/task/TID/schedstat`, nanoseconds): `times` of node or ps count in ticks of 10 ms.
 * @returns NaN where there is no Linux to ask.
 */
export function cpuMicroseconds(pid: number): number {
  let nanoseconds = 0
  for (const member of treeOf(pid)) {
    for (const thread of listed(`/proc/${member}/task`)) {
      nanoseconds += Number(read(`/proc/${member}/task/${thread}/schedstat`).split(' ', 1)[0])
    }
  }
  return nanoseconds === 0 ? Number.NaN : nanoseconds / 1000
}

/** Resident memory of a process and its children in bytes; pages that they share count for each. */
export function residentBytes(pid: number): number {
  let kibibytes = 0
  for (const member of treeOf(pid)) {
    kibibytes += Number(/^VmRSS:\s+(\d+)/m.exec(read(`/proc/${member}/status`))?.[1] ?? 0)
  }
  return kibibytes === 0 ? Number.NaN : kibibytes * 1024
}

function treeOf(pid: number): number[] {
  const children = listed(`/proc/${pid}/task`)
    .flatMap((thread) => read(`/proc/${pid}/task/${thread}/children`).split(' '))
    .filter((child) => child !== '')
  return [pid, ...children.flatMap((child) => treeOf(Number(child)))]
}

function listed(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

/** Empty for a process or thread that has ended meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
