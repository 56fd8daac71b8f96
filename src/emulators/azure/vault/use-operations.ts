import { forbidden } from '#emulators/azure/wire/vault-error.ts'
import type { Json, VaultCall } from './call.ts'
import { seal, signDigest, unseal, verifyDigest } from './crypto.ts'
import { optionalBytes, requireBytes, requireText } from './input.ts'
import type { KeyOperation, KeyVersion } from './key.ts'
import { keyIdOf } from './key-json.ts'
import { requireKey, requireVersion } from './store.ts'

/** Refused while the version is disabled; the others are not (a disabled key still wraps). */
const BLOCKED_BY_DISABLED: ReadonlySet<KeyOperation> = new Set(['unwrapKey', 'decrypt', 'sign'])
/** Refused outside the dates of the version; the others are not (an expired key still unwraps). */
const BLOCKED_BY_DATES: ReadonlySet<KeyOperation> = new Set(['wrapKey', 'encrypt', 'sign'])

export function encrypt(call: VaultCall): Json {
  return sealed(call, 'encrypt')
}

export function wrapKey(call: VaultCall): Json {
  return sealed(call, 'wrapKey')
}

export function decrypt(call: VaultCall): Json {
  return opened(call, 'decrypt')
}

export function unwrapKey(call: VaultCall): Json {
  return opened(call, 'unwrapKey')
}

export function signKey(call: VaultCall): Json {
  const { version, kid, alg } = usable(call, 'sign')
  return {
    kid,
    value: signDigest(version.material, alg, requireBytes(call.body, 'value')).toString('base64url'),
  }
}

export function verifyKey(call: VaultCall): Json {
  const { version, alg } = usable(call, 'verify')
  const { body } = call
  return {
    value: verifyDigest(version.material, alg, requireBytes(body, 'digest'), requireBytes(body, 'value')),
  }
}

function sealed(call: VaultCall, operation: 'encrypt' | 'wrapKey'): Json {
  const { version, kid, alg } = usable(call, operation)
  const aad = optionalBytes(call.body, 'aad') ?? Buffer.alloc(0)
  const { value, iv, tag } = seal(version.material, alg, requireBytes(call.body, 'value'), aad)
  return {
    kid,
    value: value.toString('base64url'),
    ...(iv === undefined ? {} : { iv: iv.toString('base64url') }),
    ...(tag === undefined ? {} : { tag: tag.toString('base64url') }),
  }
}

function opened(call: VaultCall, operation: 'decrypt' | 'unwrapKey'): Json {
  const { version, kid, alg } = usable(call, operation)
  const { body } = call
  const iv = optionalBytes(body, 'iv')
  const tag = optionalBytes(body, 'tag')
  const given = {
    value: requireBytes(body, 'value'),
    ...(iv === undefined ? {} : { iv }),
    ...(tag === undefined ? {} : { tag }),
  }
  const value = unseal(version.material, alg, given, optionalBytes(body, 'aad') ?? Buffer.alloc(0))
  return { kid, value: value.toString('base64url') }
}

/** The version that serves this operation now. */
function usable(call: VaultCall, operation: KeyOperation): { version: KeyVersion; kid: string; alg: string } {
  const found = requireKey(call.store, call.name)
  const version = requireVersion(found, call.version)
  const kid = keyIdOf(call.store, found, version)
  call.objectId = kid
  call.algorithm = requireText(call.body, 'alg')
  if (BLOCKED_BY_DISABLED.has(operation) && !version.enabled.effective(call.nowMs)) {
    throw forbidden('KeyDisabled', `Operation ${operation} is not allowed on a disabled key.`)
  }
  if (BLOCKED_BY_DATES.has(operation)) {
    const nowS = call.nowMs / 1000
    if (version.exp !== undefined && nowS >= version.exp) {
      throw forbidden('KeyExpired', `Operation ${operation} is not allowed on an expired key.`)
    }
    if (version.nbf !== undefined && nowS < version.nbf) {
      throw forbidden(
        'KeyNotYetValid',
        `Operation ${operation} is not allowed on a key that's not yet valid.`,
      )
    }
  }
  if (!version.operations.includes(operation)) {
    throw forbidden('KeyOperationForbidden', `Operation ${operation} is not permitted on this key.`)
  }
  return { version, kid, alg: call.algorithm }
}
