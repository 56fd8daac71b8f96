import { createSecretKey, generateKeyPair, type KeyObject, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { DelayedValue } from '#emulators/common/delayed-value.ts'

export const keyTypes = ['RSA', 'RSA-HSM', 'oct-HSM'] as const
export type KeyType = (typeof keyTypes)[number]

export const keyOperations = ['encrypt', 'decrypt', 'sign', 'verify', 'wrapKey', 'unwrapKey'] as const
export type KeyOperation = (typeof keyOperations)[number]

export type Material =
  | Readonly<{ kind: 'rsa'; publicKey: KeyObject; privateKey: KeyObject; bits: number }>
  | Readonly<{ kind: 'oct'; secret: KeyObject }>

export type KeyAttributes = Readonly<{ enabled?: boolean; nbf?: number; exp?: number }>

export type KeyVersion = {
  /** 32 hex digits. */
  readonly version: string
  readonly material: Material
  readonly createdAtS: number
  updatedAtS: number
  readonly enabled: DelayedValue<boolean>
  /** Seconds since the epoch. */
  nbf: number | undefined
  exp: number | undefined
  operations: readonly KeyOperation[]
  tags: Readonly<Record<string, string>>
}

/** A key with its versions, the latest last. */
export type VaultKey = {
  readonly name: string
  readonly keyType: KeyType
  readonly bits: number
  readonly versions: KeyVersion[]
  /** When it was deleted, in seconds; undefined while it is not. */
  deletedAtS: number | undefined
}

const generate = promisify(generateKeyPair)

export async function newMaterial(keyType: KeyType, bits: number): Promise<Material> {
  if (keyType === 'oct-HSM') return { kind: 'oct', secret: createSecretKey(randomBytes(bits / 8)) }
  const { publicKey, privateKey } = await generate('rsa', { modulusLength: bits })
  return { kind: 'rsa', publicKey, privateKey, bits }
}

export function newVersion(
  material: Material,
  nowS: number,
  given: KeyAttributes & {
    operations?: readonly KeyOperation[] | undefined
    tags?: Readonly<Record<string, string>> | undefined
    version?: string | undefined
  },
): KeyVersion {
  const isRsa = material.kind === 'rsa'
  const permitted = keyOperations.filter((name) => isRsa || (name !== 'sign' && name !== 'verify'))
  return {
    version: given.version ?? randomBytes(16).toString('hex'),
    material,
    createdAtS: nowS,
    updatedAtS: nowS,
    enabled: new DelayedValue(given.enabled ?? true),
    nbf: given.nbf,
    exp: given.exp,
    operations: given.operations ?? permitted,
    tags: given.tags ?? {},
  }
}
