import { isWhole, NeedleTable } from './needles.ts'
import { ProcessMemory, readableMappings, whileStopped, type Mapping } from './process-memory.ts'
import type { Secret } from './secret-forms.ts'

/** One place where a secret, or a fragment of one that is not part of a whole, stands. */
export type Finding = Readonly<{
  secret: Secret
  encoding: string
  part: 'whole' | 'head' | 'middle' | 'tail'
  address: number
  mapping: Mapping
  /** Printable bytes before and after, for whoever looks for the cause; `¤` where the secret stands. */
  surroundings: string
}>

export type Scan = Readonly<{
  findings: readonly Finding[]
  bytesRead: number
  /** In mappings marked readable that the kernel did not let us read: [vvar] and reserved, unbacked space. */
  bytesUnreadable: number
}>

const chunkBytes = 8 * 1024 * 1024
const surroundingBytes = 96

/** Stops a process, looks through all of its memory for `secrets`, and lets it go on. */
export async function scanProcess(pid: number, secrets: readonly Secret[]): Promise<Scan> {
  const table = new NeedleTable(secrets)
  return whileStopped(pid, () => scanMappings(pid, table))
}

function scanMappings(pid: number, table: NeedleTable): Scan {
  using memory = new ProcessMemory(pid)
  const findings: Finding[] = []
  let bytesRead = 0
  let bytesUnreadable = 0
  const overlap = table.wholeBytesMax + surroundingBytes
  const buffer = Buffer.alloc(chunkBytes + 2 * overlap)
  for (const mapping of readableMappings(pid)) {
    for (let start = mapping.start; start < mapping.end; start += chunkBytes) {
      const end = Math.min(start + chunkBytes, mapping.end)
      const from = Math.max(mapping.start, start - overlap)
      const chunk = buffer.subarray(0, Math.min(mapping.end, end + overlap) - from)
      bytesUnreadable += memory.read(chunk, from)
      bytesRead += end - start
      findings.push(...findIn(chunk, start - from, end - from, from, mapping, table))
    }
  }
  return { findings, bytesRead: bytesRead - bytesUnreadable, bytesUnreadable }
}

function findIn(
  chunk: Buffer,
  start: number,
  end: number,
  address: number,
  mapping: Mapping,
  table: NeedleTable,
): Finding[] {
  const findings: Finding[] = []
  table.find(chunk, start, end, (needle, at) => {
    const { secret, encoding, windowName, windowStart, window, whole } = needle
    const isPartOfWhole = isWhole(chunk, at, needle)
    // The middle and the tail of a whole are the same finding as its head.
    if (isPartOfWhole && windowName !== 'head') return
    const from = isPartOfWhole ? at - windowStart : at
    const length = isPartOfWhole ? whole.length : window.length
    findings.push({
      secret,
      encoding,
      part: isPartOfWhole ? 'whole' : windowName,
      address: address + from,
      mapping,
      surroundings: `${printable(chunk.subarray(Math.max(0, from - surroundingBytes), from))}¤${printable(
        chunk.subarray(from + length, from + length + surroundingBytes),
      )}`,
    })
  })
  return findings
}

function printable(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[^\x20-\x7e]/g, '·')
}
