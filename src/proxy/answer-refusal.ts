import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ProxyDeps } from './deps.ts'
import { refusalBody, refusalHeaders } from './dialects/write-refusal.ts'
import { endAfterBody } from './end-after-body.ts'
import { refusalOf } from './refusal-of.ts'
import { Refusal } from './refusal.ts'
import { callerDialect } from './route.ts'

/** Answers a request that is not forwarded, in its caller's dialect. */
export function answerRefusal(
  deps: Pick<ProxyDeps, 'stats' | 'onUnexpected' | 'isDatabaseAway'>,
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
): void {
  const refusal = refusalOf(error) ?? unforeseen(deps, error)
  deps.stats.countRefusal(refusal.code)
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
  const body = refusalBody(callerDialect(path, request.rawHeaders), refusal)
  const headers = [...refusalHeaders(refusal), 'content-length', String(body.length)]
  if (isLastOnConnection(request, refusal)) headers.push('connection', 'close')
  response.writeHead(refusal.status, headers)
  if (request.method === 'HEAD') response.end()
  else if (isReadOn(refusal)) endAfterBody(request, response, body)
  else response.end(body)
}

/** Without a database there is no receipt either. */
function unforeseen(deps: Pick<ProxyDeps, 'onUnexpected' | 'isDatabaseAway'>, error: unknown): Refusal {
  if (deps.isDatabaseAway(error)) return new Refusal('ledger_unavailable')
  deps.onUnexpected(error)
  return new Refusal('internal')
}

/** Whether more may be read: behind a head that parsers read differently another request may hide (RFC 9112 §11.2). */
function isReadOn({ code }: Refusal): boolean {
  return code !== 'header_refused' && code !== 'hasp_stopping'
}

/** What is left of a body belongs to no request, and a node that stops will not be here to read more. */
function isLastOnConnection(request: IncomingMessage, refusal: Refusal): boolean {
  return !request.complete || !isReadOn(refusal)
}
