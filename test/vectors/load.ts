import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EncryptionContext } from '#envelope/encryption-context.ts'
import type { EnvelopeErrorCode } from '#envelope/envelope-error.ts'
import type { TypedValue } from './typed-row.ts'

type GoodVector = {
  name: string
  context: EncryptionContext
  dek: string
  plaintext: string
  aad: string
  info: string
  recordKey: string
  commitment: string
  envelope: string
}
type RefusedVector = {
  name: string
  code: EnvelopeErrorCode
  context: EncryptionContext
  dek: string
  envelope: string
}
type SalamanderVector = {
  context: EncryptionContext
  acceptedDek: string
  refusedDek: string
  envelope: string
}
type MacVector = { table: string; row: Record<string, TypedValue>; mac: string }
type IntegrityVectors = {
  root: string
  rowMacs: MacVector[]
  forgedWrap: MacVector & { attackerDek: string; context: EncryptionContext }
  tokenDigest: { token: string; digest: string }
}

type Vectors = {
  'envelope-v1-good.json': GoodVector[]
  'envelope-v1-refused.json': RefusedVector[]
  'envelope-v1-salamander.json': SalamanderVector
  'integrity-v1.json': IntegrityVectors
}

/** The files are frozen (frozen.test.ts), so their shape is known. */
export function loadVectors<Name extends keyof Vectors>(name: Name): Vectors[Name] {
  const vectors: Vectors[Name] = JSON.parse(readFileSync(join(import.meta.dirname, name), 'utf8'))
  return vectors
}

/** Bytes that do not share Node's pool, as a secret's source should not. */
export function fromHex(hex: string): Buffer {
  const bytes = Buffer.alloc(hex.length / 2)
  bytes.write(hex, 'hex')
  return bytes
}
