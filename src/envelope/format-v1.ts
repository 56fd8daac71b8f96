import { ByteReader } from './byte-reader.ts'
import { EnvelopeError } from './envelope-error.ts'
import { CIPHERTEXT_BYTES_MAX, PADDING_BYTES } from './padding.ts'

/** The exact bytes are specified in docs/envelope-format.md; test/vectors holds examples that never change. */
const MAGIC = Buffer.from('HASP', 'ascii')
const FORMAT = 1

/** Suite 1: HKDF-SHA-512 to a 32-byte AES-256-GCM key and a 32-byte commitment. */
export const SUITE = 1

/** One row for each way to wrap a DEK. A cloud is added by adding a row; codes are never reused. */
const WRAP_ALGORITHMS = [
  { algorithm: 'aws-symmetric-default', code: 0x01, kekProvider: 'aws', kekProviderCode: 0x01 },
  { algorithm: 'gcp-symmetric', code: 0x02, kekProvider: 'gcp', kekProviderCode: 0x02 },
  { algorithm: 'azure-rsa-oaep-256', code: 0x03, kekProvider: 'azure', kekProviderCode: 0x03 },
  { algorithm: 'azure-a256kw', code: 0x04, kekProvider: 'azure', kekProviderCode: 0x03 },
  { algorithm: 'local-aes-256-gcm', code: 0x70, kekProvider: 'local', kekProviderCode: 0x70 },
] as const

/** How a DEK was wrapped; one byte of the envelope. */
export type WrapAlgorithm = (typeof WRAP_ALGORITHMS)[number]['algorithm']

/** Whose KMS holds the KEK; one byte of the envelope, fixed by the wrap algorithm. */
type KekProviderName = (typeof WRAP_ALGORITHMS)[number]['kekProvider']

/** Every length that the format knows, in bytes. */
export const LENGTHS = {
  envelopeMax: 65_536,
  kekRefMax: 1024,
  materialIdMax: 255,
  wrappedDekMax: 8192,
  messageId: 32,
  commitment: 32,
  nonce: 12,
  tag: 16,
  ciphertextMax: CIPHERTEXT_BYTES_MAX,
} as const

export type EnvelopeParts = Readonly<{
  wrapped: Readonly<{ algorithm: WrapAlgorithm; kekRef: string; materialId: string; bytes: Buffer }>
  generation: number
  messageId: Buffer
  commitment: Buffer
  nonce: Buffer
  ciphertext: Buffer
  tag: Buffer
}>

export type Envelope = EnvelopeParts &
  Readonly<{
    suite: typeof SUITE
    kekProvider: KekProviderName
    /** Every byte from the magic to the commitment: authenticated by AES-GCM ahead of the AAD. */
    header: Buffer
  }>

/**
 * Writes the one canonical encoding of `parts`.
 *
 * @throws {EnvelopeError} `malformed` when a part breaks a limit of the format.
 */
export function encodeEnvelope(parts: EnvelopeParts): Buffer {
  requireLength('the nonce', parts.nonce, LENGTHS.nonce)
  requireLength('the tag', parts.tag, LENGTHS.tag)
  requireCiphertextLength(parts.ciphertext.length)
  const envelope = Buffer.concat([
    encodeHeader(parts),
    parts.nonce,
    uint(4, parts.ciphertext.length),
    parts.ciphertext,
    parts.tag,
  ])
  if (envelope.length > LENGTHS.envelopeMax) throw new EnvelopeError('malformed', 'The envelope is too long.')
  return envelope
}

/** The part of {@link encodeEnvelope} that AES-GCM authenticates and so must exist before the ciphertext. */
export function encodeHeader(parts: Omit<EnvelopeParts, 'nonce' | 'ciphertext' | 'tag'>): Buffer {
  const { algorithm, kekRef, materialId, bytes } = parts.wrapped
  const { kekProviderCode, code } = requireAlgorithm((row) => row.algorithm === algorithm)
  requireName('the KEK reference', kekRef, 1, LENGTHS.kekRefMax)
  requireName('the material id', materialId, 0, LENGTHS.materialIdMax)
  requireWrappedLength(bytes.length)
  requireGeneration(BigInt(parts.generation))
  requireLength('the message id', parts.messageId, LENGTHS.messageId)
  requireLength('the commitment', parts.commitment, LENGTHS.commitment)
  const generation = Buffer.alloc(8)
  generation.writeBigUInt64BE(BigInt(parts.generation))
  return Buffer.concat([
    MAGIC,
    Buffer.of(FORMAT, SUITE, kekProviderCode),
    uint(2, kekRef.length),
    Buffer.from(kekRef, 'ascii'),
    uint(1, materialId.length),
    Buffer.from(materialId, 'ascii'),
    generation,
    parts.messageId,
    Buffer.of(code),
    uint(2, bytes.length),
    bytes,
    parts.commitment,
  ])
}

/**
 * Reads an envelope; accepts exactly the bytes that {@link encodeEnvelope} writes, so that encoding what was
 * decoded gives the same bytes back. The parts are views of `bytes`.
 *
 * @throws {EnvelopeError} `unsupported` for an unknown format, suite, KEK provider or wrap algorithm;
 *   `malformed` for everything else that is not canonical.
 */
export function decodeEnvelope(bytes: Buffer): Envelope {
  if (bytes.length > LENGTHS.envelopeMax) throw new EnvelopeError('malformed', 'The envelope is too long.')
  const reader = new ByteReader(bytes)
  if (!reader.take(MAGIC.length, 'the magic').equals(MAGIC)) {
    throw new EnvelopeError('malformed', 'This is not an envelope: the magic is missing.')
  }
  if (reader.uint8('the format') !== FORMAT)
    throw new EnvelopeError('unsupported', 'Unknown envelope format.')
  if (reader.uint8('the suite') !== SUITE) throw new EnvelopeError('unsupported', 'Unknown suite.')
  const kekProviderCode = reader.uint8('the KEK provider')
  const kekRef = readName(
    reader,
    reader.uint16('the KEK reference'),
    'the KEK reference',
    1,
    LENGTHS.kekRefMax,
  )
  const materialId = readName(
    reader,
    reader.uint8('the material id'),
    'the material id',
    0,
    LENGTHS.materialIdMax,
  )
  const generation = requireGeneration(reader.uint64('the generation'))
  const messageId = reader.take(LENGTHS.messageId, 'the message id')
  const code = reader.uint8('the wrap algorithm')
  const { algorithm, kekProvider } = requireAlgorithm(
    (row) => row.code === code && row.kekProviderCode === kekProviderCode,
  )
  const wrapped = reader.take(requireWrappedLength(reader.uint16('the wrapped DEK')), 'the wrapped DEK')
  const commitment = reader.take(LENGTHS.commitment, 'the commitment')
  const header = bytes.subarray(0, reader.offset)
  const nonce = reader.take(LENGTHS.nonce, 'the nonce')
  const ciphertext = reader.take(requireCiphertextLength(reader.uint32('the ciphertext')), 'the ciphertext')
  const tag = reader.take(LENGTHS.tag, 'the tag')
  reader.end()
  return {
    suite: SUITE,
    kekProvider,
    wrapped: { algorithm, kekRef, materialId, bytes: wrapped },
    generation,
    messageId,
    commitment,
    header,
    nonce,
    ciphertext,
    tag,
  }
}

function requireAlgorithm(
  isSought: (row: (typeof WRAP_ALGORITHMS)[number]) => boolean,
): (typeof WRAP_ALGORITHMS)[number] {
  const row = WRAP_ALGORITHMS.find(isSought)
  if (row === undefined) throw new EnvelopeError('unsupported', 'Unknown KEK provider or wrap algorithm.')
  return row
}

function readName(reader: ByteReader, length: number, field: string, min: number, max: number): string {
  // latin1 maps each byte to one character, so that nothing is lost before the check.
  const name = reader.take(length, field).toString('latin1')
  requireName(field, name, min, max)
  return name
}

/** Cloud key names are printable ASCII; so is what Hasp stores of them, which leaves one encoding for each. */
function requireName(field: string, name: string, min: number, max: number): void {
  if (name.length < min || name.length > max || !/^[!-~]*$/.test(name)) {
    throw new EnvelopeError('malformed', `${field} must be ${min} to ${max} printable ASCII characters.`)
  }
}

function requireGeneration(generation: bigint): number {
  if (generation < 1n || generation > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new EnvelopeError('malformed', 'The generation is out of range.')
  }
  return Number(generation)
}

function requireWrappedLength(length: number): number {
  if (length < 1 || length > LENGTHS.wrappedDekMax) {
    throw new EnvelopeError('malformed', `The wrapped DEK must be 1 to ${LENGTHS.wrappedDekMax} bytes.`)
  }
  return length
}

function requireCiphertextLength(length: number): number {
  if (length < PADDING_BYTES || length > LENGTHS.ciphertextMax || length % PADDING_BYTES !== 0) {
    throw new EnvelopeError('malformed', 'The ciphertext is not a padded plaintext of an allowed length.')
  }
  return length
}

function requireLength(field: string, bytes: Buffer, length: number): void {
  if (bytes.length !== length) throw new EnvelopeError('malformed', `${field} must be ${length} bytes.`)
}

function uint(bytes: number, value: number): Buffer {
  const field = Buffer.alloc(bytes)
  field.writeUIntBE(value, 0, bytes)
  return field
}
