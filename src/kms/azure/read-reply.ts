import type { IncomingHttpHeaders } from 'node:http'
import type { KekFault } from '#kms/kek-fault.ts'
import { retryAfterMsOf } from '#kms/retry-after.ts'
import { VaultRefusal } from './azure-refusal.ts'
import { asObject, parseObject, textOf } from './json.ts'
import { transportFault } from './transport-faults.ts'
import type { GetKeyReply, VaultReply, WrapReply } from './vault-transport.ts'

type Headers = Readonly<IncomingHttpHeaders>

const BASE64URL = /^[A-Za-z0-9_-]+$/

/** @throws {KekFault} `unreachable` */
export function readKeyOperation(body: Record<string, unknown> | undefined, headers: Headers): VaultReply {
  const keyId = textOf(body?.['kid'])
  if (keyId === '') throw transportFault('malformed-reply')
  return { keyId, serviceRequestId: serviceRequestIdOf(headers) }
}

/** @throws {KekFault} `unreachable` */
export function readWrapped(text: string, headers: Headers): WrapReply {
  const body = parseObject(text)
  const value = textOf(body?.['value'])
  if (!BASE64URL.test(value)) throw transportFault('malformed-reply')
  return { ...readKeyOperation(body, headers), wrapped: Buffer.from(value, 'base64url') }
}

/** @throws {KekFault} `unreachable` */
export function readKeyBundle(text: string, headers: Headers): GetKeyReply {
  const body = parseObject(text)
  const jwk = asObject(body?.['key'])
  const attributes = asObject(body?.['attributes'])
  if (attributes === undefined) throw transportFault('malformed-reply')
  const operations: readonly unknown[] = Array.isArray(jwk?.['key_ops']) ? jwk['key_ops'] : []
  return {
    ...readKeyOperation(jwk, headers),
    keyType: textOf(jwk?.['kty']),
    permittedOperations: operations.filter((name) => typeof name === 'string'),
    isEnabled: attributes['enabled'] === true,
    notBeforeMs: millisecondsOf(attributes['nbf']),
    expiresAtMs: millisecondsOf(attributes['exp']),
  }
}

/** What an answer other than 200 says. */
export function readRefusal(status: number, headers: Headers, text: string): VaultRefusal | KekFault {
  if (status < 400) return transportFault('malformed-reply')
  const error = asObject(parseObject(text)?.['error'])
  const details = {
    code: textOf(error?.['code']),
    innerCode: textOf(asObject(error?.['innererror'])?.['code']),
    message: textOf(error?.['message']),
  }
  return new VaultRefusal(status, details, {
    retryAfterMs: retryAfterMsOf(headers['retry-after']),
    trustedTenantId: trustedTenantOf(headers['www-authenticate']),
    serviceRequestId: serviceRequestIdOf(headers),
  })
}

/** `Bearer authorization="https://login.microsoftonline.com/<tenant>", resource="https://vault.azure.net"` */
function trustedTenantOf(challenge: string | undefined): string | undefined {
  return /\bauthorization="https:\/\/[^/"]+\/([0-9a-f-]{36})\/?"/i.exec(challenge ?? '')?.[1]?.toLowerCase()
}

/** Azure's own id of the request; undefined where the answer has none that could be written down. */
export function serviceRequestIdOf(headers: Headers): string | undefined {
  const header = headers['x-ms-request-id']
  return typeof header === 'string' && /^[!-~]{1,128}$/.test(header) ? header : undefined
}

/** Seconds since the epoch, as the service has them. */
function millisecondsOf(seconds: unknown): number | undefined {
  return typeof seconds === 'number' ? seconds * 1000 : undefined
}
