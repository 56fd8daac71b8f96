import { fitColumns, formatLine, gap, widest } from './fit-columns.ts'
import { pad, printable, widthOf } from './printable.ts'
import { wrap } from './wrap.ts'

export type Column<Row> = Readonly<{
  header: string
  cell: (row: Row) => string
  /** May be cut down to this width where the table does not fit; others never are. */
  widthMin?: number
  /** May be left out where the table does not fit; of several, the last one goes first. */
  isSpare?: boolean
  /** Free text: stands below its row where it does not fit beside it. Only the last column may be. */
  isProse?: boolean
}>

/** Less than this is no room for prose beside a row. */
const proseWidthMin = 32
const proseIndent = '    '

/**
 * Rows for people, no wider than `width` but for words that are longer: a table with aligned columns, cut and with
 * spare columns left out as it must be; where even that does not fit, each row as a block of names and values.
 */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number,
): string {
  const header = columns.map((column) => column.header)
  const cells = rows.map((row) => columns.map((column) => printable(column.cell(row))))
  const isProse = columns.at(-1)?.isProse === true
  const whole = fitted(columns, cells, width)
  const isWhole = whole !== null && !(isProse && whole.includes(undefined))
  const widths = isWhole || !isProse ? whole : fitted(columns.slice(0, -1), cells, width)
  if (widths === null) return formatBlocks(columns, cells, width)
  const lines = isWhole
    ? [header, ...cells].map((line) => formatLine(line, widths))
    : formatWithProse([header, ...cells], widths, width)
  const left = header.filter((_, i) => i < widths.length && widths[i] === undefined)
  if (left.length === 0) return lines.join('\n')
  return [...lines, '', ...wrap(`Not shown, for want of width: ${left.join(', ')}.`, width)].join('\n')
}

/** Names and values below each other; a value of several lines stays in its column. */
export function formatDetails(details: readonly (readonly [label: string, value: string])[]): string {
  const width = widest(details.map(([label]) => label))
  return details
    .map(([label, value]) => {
      const [first = '', ...more] = value.split('\n').map(printable)
      const indent = ' '.repeat(width) + gap
      return [`${pad(label, width)}${gap}${first}`.trimEnd(), ...more.map((line) => indent + line)].join('\n')
    })
    .join('\n')
}

function fitted<Row>(columns: readonly Column<Row>[], cells: readonly string[][], width: number) {
  return fitColumns(
    columns.map((column, i) => {
      const natural = widest([column.header, ...cells.map((line) => line[i] ?? '')])
      const { header, widthMin = natural, isSpare = false } = column
      return { header, natural, widthMin, isSpare }
    }),
    width,
  )
}

/** Lines whose last cell is wrapped beside the others, or below them where it has little room. */
function formatWithProse(
  lines: readonly string[][],
  widths: readonly (number | undefined)[],
  width: number,
): string[] {
  const used = widths.reduce<number>((sum, one) => sum + (one === undefined ? 0 : one + gap.length), 0)
  const isBeside = width - used >= proseWidthMin
  return lines.flatMap((line, i) => {
    const start = formatLine(line.slice(0, -1), widths)
    const prose = line.at(-1) ?? ''
    if (isBeside) {
      const [first = '', ...more] = wrap(prose, width - used)
      return [(pad(start, used) + first).trimEnd(), ...more.map((text) => ' '.repeat(used) + text)]
    }
    const isHeader = i === 0
    if (isHeader || prose === '') return [start]
    return [start, ...wrap(prose, width - proseIndent.length).map((text) => proseIndent + text)]
  })
}

/** Each row as names and values; a value that does not fit beside its name stands below it. */
function formatBlocks<Row>(
  columns: readonly Column<Row>[],
  cells: readonly string[][],
  width: number,
): string {
  const labelWidth = widest(columns.map(({ header }) => header))
  return cells
    .map((line) =>
      columns
        .map(({ header }, i) => {
          const value = line[i] ?? ''
          const label = pad(header, labelWidth)
          if (labelWidth + gap.length + widthOf(value) <= width) return `${label}${gap}${value}`.trimEnd()
          return [header, ...wrap(value, width - gap.length).map((text) => gap + text)].join('\n')
        })
        .join('\n'),
    )
    .join('\n\n')
}
