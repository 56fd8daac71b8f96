import type { Provider } from '#providers/provider.ts'
import { providers } from '#providers/providers.ts'
import { compileHeaderNames, includesHeader, isHeaderValue } from './header-names.ts'
import type { ReplyHeaders } from './upstream/upstream-request.ts'

/**
 * What every provider's reply may tell the caller. Never handed on: `set-cookie` (an edge cookie would tie callers of
 * one credential together), `openai-organization`, `anthropic-organization-id` and workspace ids (they name the
 * account behind the credential to whoever holds a virtual key), `alt-svc` and `location` (they lead clients past
 * Hasp), `date` and `server` (the answer is ours), hop-by-hop headers and whatever `connection` names.
 * The body is handed on byte for byte, so its length and encoding hold.
 */
const handedOn = [
  'content-type',
  'content-encoding',
  'content-length',
  'content-disposition',
  'cache-control',
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
  'deprecation',
  'sunset',
]

const namesOf = new Map(
  providers.map((provider) => [
    provider,
    compileHeaderNames([...handedOn, provider.requestIdHeader, ...provider.replyHeaders]),
  ]),
)

/** Names the receipt of the call, in every answer that was decided on after it. */
export const receiptHeader = 'x-hasp-receipt'

/** What Hasp says of its own about a proxied call. */
export type CallMarks = Readonly<{ receipt: string; target: string; unwrap: string }>

/**
 * The headers that go to the caller, flat (name, value, name, value …, names in lower case), from the provider's. A 204
 * has no body whatever its length says, and who believed the length would take the next answer for it (RFC 9110 §8.6).
 */
export function selectReplyHeaders(
  status: number,
  headers: ReplyHeaders,
  provider: Provider,
  marks: CallMarks,
): string[] {
  const selected = [
    receiptHeader,
    marks.receipt,
    'x-hasp-target',
    marks.target,
    'x-hasp-unwrap',
    marks.unwrap,
  ]
  const names = namesOf.get(provider)
  if (names === undefined) return selected
  const dropped = namedByConnection(headers['connection'])
  for (const name of Object.keys(headers)) {
    if (!includesHeader(names, name) || dropped?.has(name) === true) continue
    if (status === 204 && name === 'content-length') continue
    const given = headers[name]
    if (typeof given === 'string') add(selected, name, given)
    else for (const value of given ?? []) add(selected, name, value)
  }
  return selected
}

/** A value that could not be written is left out. */
function add(selected: string[], name: string, value: string): void {
  if (isHeaderValue(value)) selected.push(name, value)
}

/** RFC 9110 §7.6.1; undefined where there is no such header. */
function namedByConnection(connection: ReplyHeaders[string]): ReadonlySet<string> | undefined {
  if (connection === undefined) return undefined
  const options = typeof connection === 'string' ? connection : connection.join(',')
  if (options === 'keep-alive' || options === 'close') return undefined
  return new Set(options.split(',').map((option) => option.trim().toLowerCase()))
}
