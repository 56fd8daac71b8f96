import type { KekFault } from '#kms/kek-fault.ts'
import { retryAfterMsOf } from '#kms/retry-after.ts'
import { EntraRefusal } from './azure-refusal.ts'
import { parseObject, textOf } from './json.ts'
import type { Exchanged } from './sdk-http-client.ts'
import { transportFault } from './transport-faults.ts'

/** What the token endpoint's answer says: numbers only, nothing of its text. */
export function readEntraRefusal({ status, headers, bodyAsText }: Exchanged): EntraRefusal | KekFault {
  const body = parseObject(bodyAsText) ?? {}
  const described = /AADSTS(\d{4,8})/.exec(textOf(body['error_description']))?.[1]
  const listed = Array.isArray(body['error_codes']) ? body['error_codes'].filter(Number.isInteger) : []
  const codes = [...new Set([...listed.map(Number), ...(described === undefined ? [] : [Number(described)])])]
  if (status < 400) return transportFault('malformed-reply')
  const correlationId = textOf(body['correlation_id'])
  return new EntraRefusal(status, codes, {
    correlationId: /^[0-9a-f-]{36}$/i.test(correlationId) ? correlationId : undefined,
    retryAfterMs: retryAfterMsOf(headers['retry-after']),
  })
}
