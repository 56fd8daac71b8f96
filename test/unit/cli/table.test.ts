import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { printable, truncate, widthOf } from '#cli/output/printable.ts'
import { formatDetails, formatTable, type Column } from '#cli/output/table.ts'

type Row = { name: string; note: string; id: string }
const columns: readonly Column<Row>[] = [
  { header: 'NAME', cell: (row) => row.name, widthMin: 6 },
  { header: 'NOTE', cell: (row) => row.note, widthMin: 4 },
  { header: 'ID', cell: (row) => row.id },
]
const row = (fields: Partial<Row>): Row => ({ name: 'a', note: 'b', id: '0123456789', ...fields })

describe('a table', () => {
  it('aligns its columns, and leaves no blanks at the end of a line', () => {
    const text = formatTable(columns, [row({}), row({ name: 'longer', note: '' })], 80)
    expect(text).toBe('NAME    NOTE  ID\na       b     0123456789\nlonger        0123456789')
  })

  it('fits the terminal by cutting the widest column that may be cut, and never an id', () => {
    const text = formatTable(columns, [row({ name: 'n'.repeat(60), note: 'short' })], 40)
    const [, line = ''] = text.split('\n')
    expect(widthOf(line)).toBe(40)
    expect(line).toContain('…')
    expect(line).toContain('short')
    expect(line).toContain('0123456789')
  })

  it('cuts no column below what it needs', () => {
    const text = formatTable(columns, [row({ name: 'abcdefghij', note: 'abcdefghij' })], 24)
    expect(text.split('\n')[1]).toBe('abcde…  abc…  0123456789')
  })

  it('leaves spare columns out where they do not fit, the last one first, and says which', () => {
    const spare = columns.map((column) => (column.header === 'NAME' ? column : { ...column, isSpare: true }))
    expect(formatTable(spare, [row({})], 80)).toBe('NAME  NOTE  ID\na     b     0123456789')
    expect(formatTable(spare, [row({})], 21)).toBe(
      'NAME  NOTE\na     b\n\nNot shown, for want\nof width: ID.',
    )
    expect(formatTable(spare, [row({})], 9)).toMatch(/^NAME\na\n\n[^]*NOTE, ID\.$/)
  })

  it('is a block of names and values for each row where nothing may be left out', () => {
    expect(formatTable(columns, [row({}), row({ name: 'second' })], 14)).toBe(
      'NAME  a\nNOTE  b\nID\n  0123456789\n\nNAME  second\nNOTE  b\nID\n  0123456789',
    )
  })

  it('wraps prose beside its row, or below it where there is little room, and cuts none of it', () => {
    const prose: readonly Column<Row>[] = [
      { header: 'ID', cell: ({ id }) => id },
      { header: 'NOTE', cell: ({ note }) => note, isProse: true },
    ]
    const note = 'one two three four five six seven eight nine ten'
    expect(formatTable(prose, [row({ note })], Infinity)).toBe(`ID          NOTE\n0123456789  ${note}`)
    expect(formatTable(prose, [row({ note })], 50)).toBe(
      'ID          NOTE\n0123456789  one two three four five six seven\n            eight nine ten',
    )
    expect(formatTable(prose, [row({ note })], 40)).toBe(
      'ID\n0123456789\n    one two three four five six seven\n    eight nine ten',
    )
  })

  it('cuts nothing where nobody looks at a terminal', () => {
    expect(formatTable(columns, [row({ name: 'n'.repeat(500) })], Infinity)).toContain('n'.repeat(500))
  })

  it('is never wider than the terminal, whatever the names are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme', maxLength: 60 })),
        fc.integer({ min: 40, max: 200 }),
        (names, width) => {
          const rows = names.map((name) => row({ name, note: name }))
          for (const line of formatTable(columns, rows, width).split('\n'))
            expect(widthOf(line)).toBeLessThanOrEqual(width)
        },
      ),
    )
  })
})

describe('what others named', () => {
  it('can neither move the cursor nor reorder text', () => {
    expect(printable('a\u001b[2Jb\u202ec\u0085d\r\n')).toBe('a\ufffd[2Jb\ufffdc\ufffdd\ufffd\ufffd')
    expect(formatTable(columns, [row({ name: '\u001b[31mred' })], 80)).not.toContain('\u001b')
    expect(formatDetails([['Name', 'x\u001b]0;title\u0007']])).not.toContain('\u001b')
  })

  it('is measured in columns of the terminal', () => {
    expect(widthOf('鍵')).toBe(2)
    expect(widthOf('e\u0301')).toBe(1)
    expect(truncate('鍵鍵鍵', 4)).toBe('鍵…')
    expect(truncate('abc', 3)).toBe('abc')
  })
})

describe('details', () => {
  it('keep several lines of a value in its column', () => {
    expect(
      formatDetails([
        ['A', '1\n2'],
        ['Long', '3'],
      ]),
    ).toBe('A     1\n      2\nLong  3')
  })
})
