import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ProxyDeps } from './deps.ts'
import { refusalBody, refusalHeaders } from './dialects/write-refusal.ts'
import { endAfterBody } from './end-after-body.ts'
import { knownCaller } from './known-caller.ts'
import { refusalOf } from './refusal-of.ts'
import { Refusal } from './refusal.ts'
import { receiptHeader } from './reply-headers.ts'
import { callerDialect } from './route.ts'

type Deps = Pick<
  ProxyDeps,
  'stats' | 'virtualKeys' | 'newReceiptId' | 'onRefused' | 'onUnexpected' | 'isDatabaseAway'
>

/** Answers a request that is not forwarded, in its caller's dialect and under an id that the log has, too. */
export function answerRefusal(
  deps: Deps,
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
): void {
  const refusal = refusalOf(error) ?? unforeseen(deps, error)
  const requestId = deps.newReceiptId()
  deps.stats.countRefusal(refusal.code)
  deps.onRefused({
    requestId,
    code: refusal.code,
    receiptId: response.getHeader(receiptHeader)?.toString(),
    caller: knownCaller(deps, request.rawHeaders),
  })
  if (refusal.code === 'internal') deps.onUnexpected(error, requestId)
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
  const dialect = callerDialect(path, request.rawHeaders)
  const body = refusalBody(dialect, refusal, requestId)
  const headers = [...refusalHeaders(dialect, refusal, requestId), 'content-length', String(body.length)]
  if (isLastOnConnection(request, refusal)) headers.push('connection', 'close')
  response.writeHead(refusal.status, headers)
  if (request.method === 'HEAD') response.end()
  else if (isReadOn(refusal)) endAfterBody(request, response, body)
  else response.end(body)
}

/** Without a database there is no receipt either. */
function unforeseen(deps: Pick<ProxyDeps, 'isDatabaseAway'>, error: unknown): Refusal {
  return new Refusal(deps.isDatabaseAway(error) ? 'ledger_unavailable' : 'internal')
}

/** Whether more may be read: behind a head that parsers read differently another request may hide (RFC 9112 §11.2). */
function isReadOn({ code }: Refusal): boolean {
  return code !== 'header_refused' && code !== 'hasp_stopping'
}

/** What is left of a body belongs to no request, and a node that stops will not be here to read more. */
function isLastOnConnection(request: IncomingMessage, refusal: Refusal): boolean {
  return !request.complete || !isReadOn(refusal)
}
