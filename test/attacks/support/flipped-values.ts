import type { Column } from './database-attacker.ts'

/** How many bits of a value are flipped; where it has more, evenly spread ones. */
const flipsMax = 24

/**
 * `value`, a column's text, with one bit flipped in each: of the bytes themselves for bytea, else of their text, where
 * that is UTF-8 afterwards. Whether it is a value of the type at all is for PostgreSQL to say.
 */
export function flippedValues(column: Column, value: string, isEveryBit: boolean): string[] {
  const isBytes = column.type === 'bytea'
  const bytes = isBytes ? Buffer.from(value.slice(2), 'hex') : Buffer.from(value, 'utf8')
  const bits = bytes.length * 8
  const step = isEveryBit ? 1 : Math.max(1, Math.floor(bits / flipsMax))
  const flipped: string[] = []
  // An odd step walks through all eight places of a byte.
  for (let bit = 0; bit < bits; bit += isEveryBit ? 1 : step | 1) {
    const changed = Buffer.from(bytes)
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    if (isBytes) flipped.push(`\\x${changed.toString('hex')}`)
    else if (isText(changed)) flipped.push(changed.toString('utf8'))
  }
  return flipped
}

function isText(bytes: Buffer): boolean {
  return !bytes.includes(0) && Buffer.from(bytes.toString('utf8'), 'utf8').equals(bytes)
}
