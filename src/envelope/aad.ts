import type { EncryptionContext } from './encryption-context.ts'
import { EnvelopeError } from './envelope-error.ts'

/** Names the encoding: a later one gets another tag, so that no two encodings ever share their bytes. */
const AAD_DOMAIN = Buffer.from('hasp/aad/v1', 'ascii')

/**
 * The name of each field wherever it is written down: in the AAD and in the cloud's own encryption context.
 * The byte limits keep HKDF's `info` under the 1,024 bytes that Node accepts.
 */
const FIELDS = {
  environment: { name: 'hasp:environment', bytesMax: 400 },
  generation: { name: 'hasp:generation', bytesMax: 16 },
  kek: { name: 'hasp:kek', bytesMax: 64 },
  org: { name: 'hasp:org', bytesMax: 64 },
  provider: { name: 'hasp:provider', bytesMax: 64 },
  purpose: { name: 'hasp:purpose', bytesMax: 32 },
  record: { name: 'hasp:record', bytesMax: 64 },
} as const satisfies Record<keyof EncryptionContext, { name: string; bytesMax: number }>

const FIELDS_BY_NAME = Object.values(FIELDS)
  .map(({ name, bytesMax }) => ({ name, bytesMax, nameBytes: lengthPrefixed(Buffer.from(name, 'ascii')) }))
  .sort((a, b) => (a.name < b.name ? -1 : 1))

/**
 * The canonical bytes of `context` (docs/envelope-format.md, "AAD"): the domain tag, the number of fields, and
 * every field as length-prefixed name and length-prefixed value, sorted by name. Different contexts never share
 * their bytes, whatever a value contains.
 *
 * @throws {EnvelopeError} `invalid_context`
 */
export function canonicalAad(context: EncryptionContext): Buffer {
  return encode(context).aad
}

/** The fixed names under which a context is shown to a cloud (AWS `EncryptionContext`) and in its audit log. */
export type ContextFieldName = (typeof FIELDS)[keyof typeof FIELDS]['name']

/**
 * The same fields as {@link canonicalAad}, for a cloud that takes names and values.
 *
 * @throws {EnvelopeError} `invalid_context`
 */
export function contextFields(context: EncryptionContext): Readonly<Record<ContextFieldName, string>> {
  return encode(context).fields
}

type Encoded = Readonly<{ fields: Readonly<Record<ContextFieldName, string>>; aad: Buffer }>

/** A record's context is encoded for every unwrap and always the same; encoded once, it is frozen. */
const encoded = new WeakMap<EncryptionContext, Encoded>()

function encode(context: EncryptionContext): Encoded {
  const known = encoded.get(context)
  if (known !== undefined) return known
  const fields = Object.freeze(readFields(context))
  const fresh = { fields, aad: joinFields(fields) }
  encoded.set(Object.freeze(context), fresh)
  return fresh
}

function joinFields(values: Readonly<Record<ContextFieldName, string>>): Buffer {
  const count = Buffer.alloc(2)
  count.writeUInt16BE(FIELDS_BY_NAME.length)
  const fields = FIELDS_BY_NAME.flatMap(({ name, nameBytes }) => [
    nameBytes,
    lengthPrefixed(Buffer.from(values[name], 'utf8')),
  ])
  return Buffer.concat([AAD_DOMAIN, count, ...fields])
}

function readFields(context: EncryptionContext): Record<ContextFieldName, string> {
  if (!Number.isSafeInteger(context.generation) || context.generation < 1) {
    throw new EnvelopeError('invalid_context', 'hasp:generation must be a whole number from 1.')
  }
  const values: Record<ContextFieldName, string> = {
    'hasp:environment': context.environment,
    'hasp:generation': String(context.generation),
    'hasp:kek': context.kek,
    'hasp:org': context.org,
    'hasp:provider': context.provider,
    'hasp:purpose': context.purpose,
    'hasp:record': context.record,
  }
  for (const { name, bytesMax } of FIELDS_BY_NAME) requireEncodable(name, values[name], bytesMax)
  return values
}

/** Refuses every string that two systems could read differently: there is one way to write each value. */
function requireEncodable(name: string, value: string, bytesMax: number): void {
  const bytes = Buffer.byteLength(value, 'utf8')
  if (bytes < 1 || bytes > bytesMax) {
    throw new EnvelopeError('invalid_context', `${name} must be 1 to ${bytesMax} bytes of UTF-8.`)
  }
  if (!value.isWellFormed() || /[\p{Cc}\p{Zl}\p{Zp}]/u.test(value)) {
    throw new EnvelopeError(
      'invalid_context',
      `${name} holds a control character or a broken surrogate pair.`,
    )
  }
  if (value.normalize('NFC') !== value) {
    throw new EnvelopeError('invalid_context', `${name} is not in Unicode normal form C.`)
  }
}

function lengthPrefixed(bytes: Buffer): Buffer {
  const field = Buffer.alloc(2 + bytes.length)
  field.writeUInt16BE(bytes.length)
  field.set(bytes, 2)
  return field
}
