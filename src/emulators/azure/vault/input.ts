import { badParameter } from '#emulators/azure/wire/vault-error.ts'
import type { Json } from './call.ts'
import { keyOperations, type KeyAttributes, type KeyOperation, keyTypes, type KeyType } from './key.ts'

export function parseBody(body: Buffer): Json {
  if (body.length === 0) return {}
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    if (isObject(value)) return value
  } catch {
    // Refused below, like every other thing that is no object.
  }
  throw badParameter('The request body is not valid JSON.')
}

export function requireText(body: Json, member: string): string {
  const value = body[member]
  if (typeof value === 'string' && value !== '') return value
  throw badParameter(`Property ${member} is required.`)
}

export function requireBytes(body: Json, member: string): Buffer {
  const text = requireText(body, member)
  if (/^[A-Za-z0-9_-]+$/.test(text)) return Buffer.from(text, 'base64url')
  throw badParameter(`Property ${member} has invalid value\r\n`)
}

export function optionalBytes(body: Json, member: string): Buffer | undefined {
  return body[member] === undefined ? undefined : requireBytes(body, member)
}

export function attributesIn(body: Json): KeyAttributes {
  const given = body['attributes']
  if (!isObject(given)) return {}
  const { enabled, nbf, exp } = given
  return {
    ...(typeof enabled === 'boolean' ? { enabled } : {}),
    ...(typeof nbf === 'number' ? { nbf } : {}),
    ...(typeof exp === 'number' ? { exp } : {}),
  }
}

export function operationsIn(body: Json): readonly KeyOperation[] | undefined {
  const given = body['key_ops']
  if (!Array.isArray(given)) return undefined
  return keyOperations.filter((name) => given.includes(name))
}

export function tagsIn(body: Json): Readonly<Record<string, string>> | undefined {
  const given = body['tags']
  if (!isObject(given)) return undefined
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]))
}

export function keyTypeIn(body: Json): KeyType {
  const given = requireText(body, 'kty')
  const keyType = keyTypes.find((name) => name === given)
  if (keyType !== undefined) return keyType
  throw badParameter(`Property kty has invalid value ${given.slice(0, 32)}`)
}

export function bitsIn(body: Json, keyType: KeyType): number {
  const given = body['key_size']
  const allowed = keyType === 'oct-HSM' ? [256, 128, 192] : [2048, 3072, 4096]
  if (given === undefined) return allowed[0] ?? 0
  if (typeof given === 'number' && allowed.includes(given)) return given
  throw badParameter('Property key_size has invalid value')
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
