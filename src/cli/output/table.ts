import { pad, printable, truncate, widthOf } from './printable.ts'

export type Column<Row> = Readonly<{
  header: string
  cell: (row: Row) => string
  /** May be cut down to this width where the table does not fit; others never are. */
  widthMin?: number
}>

const gap = '  '

/** A table with aligned columns, no wider than `width`: the widest column that may be cut is cut first. */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number,
): string {
  const lines = [
    columns.map((column) => column.header),
    ...rows.map((row) => columns.map((column) => printable(column.cell(row)))),
  ]
  const widths = fit(
    columns.map((_, i) => Math.max(...lines.map((line) => widthOf(line[i] ?? '')))),
    columns.map((column) => column.widthMin),
    width - gap.length * (columns.length - 1),
  )
  return lines.map((line) => formatLine(line, widths)).join('\n')
}

/** Names and values below each other; a value of several lines stays in its column. */
export function formatDetails(details: readonly (readonly [label: string, value: string])[]): string {
  const width = Math.max(...details.map(([label]) => widthOf(label)))
  return details
    .map(([label, value]) => {
      const [first = '', ...more] = value.split('\n').map(printable)
      const indent = ' '.repeat(width) + gap
      return [`${pad(label, width)}${gap}${first}`.trimEnd(), ...more.map((line) => indent + line)].join('\n')
    })
    .join('\n')
}

/** Takes columns of width away, one by one, from the widest that may give. */
function fit(natural: readonly number[], minima: readonly (number | undefined)[], width: number): number[] {
  const widths = [...natural]
  for (let excess = widths.reduce((sum, one) => sum + one, 0) - width; excess > 0; excess -= 1) {
    const spare = widths.map((one, i) => (one > (minima[i] ?? Infinity) ? one : -1))
    const widest = spare.indexOf(Math.max(...spare))
    const current = widths[widest]
    if (current === undefined || spare[widest] === -1) break
    widths[widest] = current - 1
  }
  return widths
}

function formatLine(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, i) => {
      const width = widths[i] ?? 0
      return pad(truncate(cell, width), width)
    })
    .join(gap)
    .trimEnd()
}
