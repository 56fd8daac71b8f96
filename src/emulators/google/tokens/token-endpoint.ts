import type { Faults } from '#emulators/common/faults.ts'
import type { FaultEffect } from '#emulators/google/fault-effect.ts'
import type { HttpReply, HttpRequest } from '#emulators/google/wire/http-server.ts'
import { setTimeout as delay } from 'node:timers/promises'
import { TokenError, type TokenService } from './token-service.ts'

/** The operations that faults and latency are set for. */
const operations: Readonly<Record<string, 'Token' | 'ExchangeToken'>> = {
  '/token': 'Token',
  '/v1/token': 'ExchangeToken',
}

/** `POST /token` (oauth2.googleapis.com) and `POST /v1/token` (sts.googleapis.com); undefined for other paths. */
export async function serveTokens(
  deps: { tokens: TokenService; faults: Faults<FaultEffect> },
  { body, path, verb }: HttpRequest,
): Promise<HttpReply | undefined> {
  const operation = verb === 'POST' ? operations[path] : undefined
  if (operation === undefined) return undefined
  const latencyMs = deps.faults.latencyMs(operation, 'exact')
  if (latencyMs > 0) await delay(latencyMs)
  const fault = deps.faults.take(operation)
  if (fault?.type === 'reset' || fault?.type === 'hang') return { type: fault.type }
  try {
    if (fault?.type === 'error') throw new TokenError(fault.code.toLowerCase(), fault.message ?? '', 503)
    const form = new URLSearchParams(body.toString('utf8'))
    const reply = operation === 'Token' ? deps.tokens.redeemAssertion(form) : deps.tokens.exchange(form)
    return { type: 'answer', httpStatus: 200, body: JSON.stringify(reply) }
  } catch (error) {
    if (!(error instanceof TokenError)) throw error
    const refusal = { error: error.error, error_description: error.message }
    return { type: 'answer', httpStatus: error.httpStatus, body: JSON.stringify(refusal) }
  }
}
