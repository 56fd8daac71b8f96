import { formsOf, type Secret } from './secret-forms.ts'

type WindowName = 'head' | 'middle' | 'tail'

/** A stretch of one form of a secret: what a scan looks for, beside the whole that it would be a part of. */
export type Needle = Readonly<{
  secret: Secret
  encoding: string
  whole: Buffer
  window: Buffer
  windowName: WindowName
  windowStart: number
}>

/** Fragments shorter than this are not looked for. */
const fragmentBytes = 24

/** Needles by the four bytes that each begins with: one pass over a memory finds them all. */
export class NeedleTable {
  readonly #byOpening = new Map<number, Needle[]>()
  /** One bit's worth for each hash of an opening: says for nearly every position at once that nothing is there. */
  readonly #filter = new Uint8Array(1 << 16)
  readonly wholeBytesMax: number

  constructor(secrets: readonly Secret[]) {
    const needles = secrets.flatMap(needlesOf)
    for (const needle of needles) {
      const opening = needle.window.readInt32LE()
      this.#filter[hashOf(opening)] = 1
      this.#byOpening.set(opening, [...(this.#byOpening.get(opening) ?? []), needle])
    }
    this.wholeBytesMax = Math.max(...needles.map(({ whole }) => whole.length))
  }

  /** Calls `onFound` for every needle that begins in `memory` from `start` up to, not including, `end`. */
  find(memory: Buffer, start: number, end: number, onFound: (needle: Needle, at: number) => void): void {
    const filter = this.#filter
    let opening = memory.length < start + 4 ? 0 : memory.readInt32LE(start) << 8
    for (let at = start; at < end; at += 1) {
      opening = (opening >>> 8) | ((memory[at + 3] ?? 0) << 24)
      if (filter[hashOf(opening)] === 0) continue
      for (const needle of this.#byOpening.get(opening) ?? []) {
        if (stands(memory, at, needle.window)) onFound(needle, at)
      }
    }
  }
}

/** Whether the whole secret stands around a found window. */
export function isWhole(memory: Buffer, at: number, needle: Needle): boolean {
  return stands(memory, at - needle.windowStart, needle.whole)
}

function stands(memory: Buffer, at: number, needle: Buffer): boolean {
  if (at < 0 || at + needle.length > memory.length) return false
  return memory.compare(needle, 0, needle.length, at, at + needle.length) === 0
}

function needlesOf(secret: Secret): Needle[] {
  return formsOf(secret.bytes).flatMap(({ encoding, bytes }) => {
    const windowBytes = Math.min(
      bytes.length,
      Math.ceil((fragmentBytes * bytes.length) / secret.bytes.length),
    )
    const last = bytes.length - windowBytes
    const starts: [WindowName, number][] = [
      ['head', 0],
      ['middle', last >> 1],
      ['tail', last],
    ]
    return starts.map(([windowName, windowStart]) => ({
      secret,
      encoding,
      whole: bytes,
      window: bytes.subarray(windowStart, windowStart + windowBytes),
      windowName,
      windowStart,
    }))
  })
}

function hashOf(opening: number): number {
  return Math.imul(opening, 0x9e3779b1) >>> 16
}
