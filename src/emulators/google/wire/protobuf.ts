/**
 * A small part of protobuf (proto3, "Encoding"): what the IAM and status messages need, which the KMS client's own
 * definitions do not bring along.
 */
export type Message = Readonly<Record<string, unknown>>
type Kind = 'string' | 'bytes' | 'int32' | MessageType
type Field = Readonly<{ id: number; name: string; kind: Kind; isRepeated?: true }>
export type MessageType = readonly Field[]

const VARINT = 0
const FIXED64 = 1
const LENGTH_DELIMITED = 2
const FIXED32 = 5

export function encodeMessage(type: MessageType, message: Message): Buffer {
  return Buffer.concat(
    type.flatMap((field) => {
      const value = message[field.name]
      if (value === undefined || value === null) return []
      const values: readonly unknown[] = field.isRepeated === true && Array.isArray(value) ? value : [value]
      return values.map((one) => encodeField(field, one))
    }),
  )
}

function encodeField({ id, kind }: Field, value: unknown): Buffer {
  if (kind === 'int32') return Buffer.concat([varint((id << 3) | VARINT), varint(Number(value))])
  const bytes = encodeValue(kind, value)
  return Buffer.concat([varint((id << 3) | LENGTH_DELIMITED), varint(bytes.length), bytes])
}

function encodeValue(kind: Exclude<Kind, 'int32'>, value: unknown): Buffer {
  if (kind === 'string') return Buffer.from(String(value), 'utf8')
  if (kind === 'bytes') return Buffer.isBuffer(value) ? value : Buffer.from(String(value), 'base64')
  return encodeMessage(kind, asMessage(value))
}

/** @throws {Error} for bytes that are no message */
export function decodeMessage(type: MessageType, bytes: Buffer): Message {
  const message: Record<string, unknown> = {}
  for (const field of type) if (field.isRepeated === true) message[field.name] = []
  let offset = 0
  const readVarint = (): number => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[offset]
      if (byte === undefined || shift > 49) throw new Error('A varint is cut short or too long.')
      offset += 1
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
  }
  const take = (length: number): Buffer => {
    if (offset + length > bytes.length) throw new Error('A field is longer than its message.')
    offset += length
    return bytes.subarray(offset - length, offset)
  }
  while (offset < bytes.length) {
    const tag = readVarint()
    const field = type.find(({ id }) => id === tag >>> 3)
    const wireType = tag & 7
    if (wireType === VARINT) put(message, field, readVarint())
    else if (wireType === LENGTH_DELIMITED) putBytes(message, field, take(readVarint()))
    else if (wireType === FIXED64) take(8)
    else if (wireType === FIXED32) take(4)
    else throw new Error('The message uses a wire type that nobody sends.')
  }
  return message
}

function putBytes(message: Record<string, unknown>, field: Field | undefined, bytes: Buffer): void {
  if (field === undefined || field.kind === 'int32') return
  if (field.kind === 'string') put(message, field, bytes.toString('utf8'))
  else put(message, field, field.kind === 'bytes' ? Buffer.from(bytes) : decodeMessage(field.kind, bytes))
}

function put(message: Record<string, unknown>, field: Field | undefined, value: unknown): void {
  if (field === undefined) return
  const list = message[field.name]
  if (field.isRepeated === true && Array.isArray(list)) list.push(value)
  else message[field.name] = value
}

function asMessage(value: unknown): Message {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80)
    rest = Math.floor(rest / 0x80)
  }
  return Buffer.from([...bytes, rest])
}
