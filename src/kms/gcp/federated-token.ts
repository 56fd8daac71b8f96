import { Type } from 'typebox'
import { Value } from 'typebox/value'
import type { AccessToken } from './access-token.ts'
import { exchangeAudience, type IdentityProviderName } from './identity-provider-name.ts'
import { exchangeFault, tokenUnreachable } from './token-faults.ts'

export type ExchangeInput = Readonly<{
  /** The provider in the customer's workload identity pool. */
  provider: IdentityProviderName
  /** The `aud` that this provider accepts, and no other customer's does. */
  audience: string
}>

type Deps = Readonly<{
  /** Hasp's identity, for this audience alone. @throws {KekFault} */
  fetchIdToken: (audience: string) => Promise<string>
  /** Of the security token service: `https://sts.googleapis.com/v1/token`. */
  exchangeUrl: string
  timeoutMs: number
  now: () => number
}>

const Granted = Type.Object({
  access_token: Type.String({ minLength: 1 }),
  expires_in: Type.Number({ minimum: 1 }),
})
const Refused = Type.Object({
  error: Type.String(),
  error_description: Type.Optional(Type.String()),
})

/**
 * Google's tokens live for an hour. One is used no longer than this, so that a provider that lets us in no more is
 * noticed as soon as AWS's shortest session would be.
 */
const LIFE_S_MAX = 900
const REPLY_BYTES_MAX = 64 * 1024

/**
 * Exchanges Hasp's identity for one in the customer's own pool (RFC 8693), which the customer grants the key to: no
 * token of Hasp's is good for another customer's pool. By hand, because google-auth-library gives this request no
 * time limit.
 *
 * @throws {KekFault}
 */
export async function fetchFederatedToken(
  deps: Deps,
  { provider, audience }: ExchangeInput,
): Promise<AccessToken> {
  const subjectToken = await deps.fetchIdToken(audience)
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    audience: exchangeAudience(provider),
    scope: 'https://www.googleapis.com/auth/cloud-platform',
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    subject_token: subjectToken,
  })
  const { httpStatus, body } = await post(deps, form)
  if (httpStatus === 200 && Value.Check(Granted, body)) {
    return {
      token: body.access_token,
      expiresAtMs: deps.now() + Math.min(body.expires_in, LIFE_S_MAX) * 1000,
    }
  }
  if (httpStatus === 200) throw tokenUnreachable('malformed-token-reply')
  const { error, error_description: description = '' } = Value.Check(Refused, body) ? body : { error: '' }
  throw exchangeFault({ httpStatus, error, description })
}

async function post(deps: Deps, form: URLSearchParams): Promise<{ httpStatus: number; body: unknown }> {
  try {
    const reply = await fetch(deps.exchangeUrl, {
      method: 'POST',
      body: form,
      redirect: 'error',
      signal: AbortSignal.timeout(deps.timeoutMs),
    })
    const text = await reply.text()
    return { httpStatus: reply.status, body: text.length > REPLY_BYTES_MAX ? undefined : parsed(text) }
  } catch {
    throw tokenUnreachable()
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
