import { createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { goodVectors } from './generate-envelopes.ts'
import type { TypedValue } from './typed-row.ts'

/** A second implementation of row macs and token digests, from docs/envelope-format.md alone. */
const TYPE_TAGS = { null: 0, text: 1, integer: 2, boolean: 3, timestamp: 4, bytes: 5, texts: 6, json: 7 } as const

export function integrityVectors() {
  const root = randomBytes(32)
  const [genuine, forged] = goodVectors()
  if (genuine === undefined || forged === undefined) throw new Error('Two envelopes are needed.')
  const row: Record<string, TypedValue> = {
    target_id: { type: 'text', value: genuine.context.record },
    generation: { type: 'integer', value: String(genuine.context.generation) },
    org_id: { type: 'text', value: genuine.context.org },
    kek_id: { type: 'text', value: genuine.context.kek },
    preview: { type: 'text', value: 'sk-…WXYZ' },
    sealed: { type: 'bytes', hex: genuine.envelope },
    created_at: { type: 'timestamp', value: '2026-01-02T03:04:05.678Z' },
  }
  const everyType: Record<string, TypedValue> = {
    nothing: { type: 'null' },
    empty: { type: 'text', value: '' },
    negative: { type: 'integer', value: '-9007199254740991' },
    large: { type: 'integer', value: '9223372036854775807' },
    yes: { type: 'boolean', value: true },
    no: { type: 'boolean', value: false },
    epoch: { type: 'timestamp', value: '1970-01-01T00:00:00.000Z' },
    no_texts: { type: 'texts', value: [] },
    texts: { type: 'texts', value: ['gpt-5', '', '東京'] },
    access: { type: 'json', value: { roleArn: 'arn:aws:iam::111122223333:role/x', nested: { b: [1, 2.5, null], a: true } } },
  }
  const token = `hasp_vk_${'0'.repeat(43)}000000`
  return {
    root: root.toString('hex'),
    rowMacs: [
      { table: 'credentials', row, mac: referenceMac(root, 'credentials', row) },
      { table: 'every_type', row: everyType, mac: referenceMac(root, 'every_type', everyType) },
    ],
    forgedWrap: {
      note: 'An attacker with write access put an envelope of his own into a genuine row. The envelope opens under his DEK; the row is refused.',
      table: 'credentials',
      row: { ...row, sealed: { type: 'bytes', hex: forged.envelope } },
      mac: referenceMac(root, 'credentials', row),
      attackerDek: forged.dek,
      context: forged.context,
    },
    tokenDigest: {
      token,
      digest: createHmac('sha256', subkey(root, 'hasp/integrity/token-digest/v1')).update(token).digest('hex'),
    },
  }
}

function referenceMac(root: Buffer, table: string, row: Record<string, TypedValue>): string {
  const names = Object.keys(row).sort()
  const columns = names.map((name) => {
    const typed = row[name] ?? { type: 'null' }
    return Buffer.concat([prefixed(Buffer.from(name)), Buffer.of(TYPE_TAGS[typed.type]), prefixed(encode(typed))])
  })
  const bytes = Buffer.concat([Buffer.from('hasp/row/v1'), prefixed(Buffer.from(table)), uint32(names.length), ...columns])
  return createHmac('sha256', subkey(root, 'hasp/integrity/row-mac/v1')).update(bytes).digest('hex')
}

function encode(typed: TypedValue): Buffer {
  if (typed.type === 'null') return Buffer.alloc(0)
  if (typed.type === 'bytes') return Buffer.from(typed.hex, 'hex')
  if (typed.type === 'boolean') return Buffer.of(typed.value ? 1 : 0)
  if (typed.type === 'timestamp') return Buffer.from(String(Date.parse(typed.value)))
  if (typed.type === 'json') return Buffer.from(sortedJson(typed.value))
  if (typed.type !== 'texts') return Buffer.from(typed.value)
  return Buffer.concat([uint32(typed.value.length), ...typed.value.map((text) => prefixed(Buffer.from(text)))])
}

function sortedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${sortedJson(member)}`).join(',')}}`
}

function subkey(root: Buffer, label: string): Buffer {
  return Buffer.from(hkdfSync('sha256', root, Buffer.alloc(0), label, 32))
}

function prefixed(bytes: Buffer): Buffer {
  return Buffer.concat([uint32(bytes.length), bytes])
}

function uint32(value: number): Buffer {
  return Buffer.from(value.toString(16).padStart(8, '0'), 'hex')
}
