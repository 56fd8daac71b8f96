import { pad, truncate, widthOf } from './printable.ts'

/** A column of a table, as wide as it is and as narrow as it may be. */
export type Measured = Readonly<{
  header: string
  /** Of its longest cell. */
  natural: number
  widthMin: number
  /** May be left out; of several, the last one goes first. */
  isSpare: boolean
}>

export const gap = '  '

/**
 * Fits columns into `width`: cuts those that may be cut, then leaves spare ones out, the last one first.
 * @returns the width of each column, undefined where it is left out; null when it fits in no way
 */
export function fitColumns(columns: readonly Measured[], width: number): (number | undefined)[] | null {
  const shown = new Set(columns)
  while (leastOf([...shown]) > width) {
    const spare = columns.findLast((column) => column.isSpare && shown.has(column))
    if (spare === undefined) return null
    shown.delete(spare)
  }
  const kept = [...shown]
  const widths = shrink(
    kept,
    kept.map(({ natural }) => natural),
    width,
  )
  return columns.map((column) => (shown.has(column) ? widths[kept.indexOf(column)] : undefined))
}

/** One line of a table; cells without a width are left out. */
export function formatLine(cells: readonly string[], widths: readonly (number | undefined)[]): string {
  return cells
    .flatMap((cell, i) => {
      const width = widths[i]
      return width === undefined ? [] : [pad(truncate(cell, width), width)]
    })
    .join(gap)
    .trimEnd()
}

/** Takes columns of width away, one by one, from the widest that may give. */
function shrink(columns: readonly Measured[], natural: readonly number[], width: number): number[] {
  const widths = [...natural]
  for (let excess = totalOf(widths) - width; excess > 0; excess -= 1) {
    const spare = widths.map((one, i) => (one > (columns[i]?.widthMin ?? one) ? one : -1))
    const widest = spare.indexOf(Math.max(...spare))
    const current = widths[widest]
    if (current === undefined || spare[widest] === -1) break
    widths[widest] = current - 1
  }
  return widths
}

function leastOf(columns: readonly Measured[]): number {
  return totalOf(columns.map(({ natural, widthMin }) => Math.min(natural, widthMin)))
}

function totalOf(widths: readonly number[]): number {
  return widths.reduce((sum, one) => sum + one, 0) + gap.length * Math.max(0, widths.length - 1)
}

/** Of the longest of `cells`. */
export function widest(cells: readonly string[]): number {
  return Math.max(...cells.map(widthOf))
}
