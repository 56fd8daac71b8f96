import type { Provider } from '#providers/provider.ts'
import { providers } from '#providers/providers.ts'
import { compileHeaderNames, includesHeader, isHeaderValue } from './header-names.ts'

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

/** What Hasp says of its own about a proxied call. */
export type CallMarks = Readonly<{ receipt: string; target: string; unwrap: string }>

/**
 * The headers that go to the caller, from the provider's raw ones (name, value, name, value …, as text or bytes):
 * the same shape, names in lower case.
 */
export function selectReplyHeaders(
  rawHeaders: readonly (string | Uint8Array)[],
  provider: Provider,
  marks: CallMarks,
): string[] {
  const selected = [
    'x-hasp-receipt',
    marks.receipt,
    'x-hasp-target',
    marks.target,
    'x-hasp-unwrap',
    marks.unwrap,
  ]
  const names = namesOf.get(provider)
  if (names === undefined) return selected
  const dropped = namedByConnection(rawHeaders)
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = text(rawHeaders[index]).toLowerCase()
    if (!includesHeader(names, name) || dropped?.has(name) === true) continue
    const value = text(rawHeaders[index + 1])
    if (isHeaderValue(value)) selected.push(name, value)
  }
  return selected
}

/** RFC 9110 §7.6.1; undefined in the usual case that it names none. */
function namedByConnection(rawHeaders: readonly (string | Uint8Array)[]): Set<string> | undefined {
  let named: Set<string> | undefined
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.length !== 'connection'.length) continue
    if (text(rawHeaders[index]).toLowerCase() !== 'connection') continue
    named ??= new Set()
    for (const option of text(rawHeaders[index + 1])
      .toLowerCase()
      .split(','))
      named.add(option.trim())
  }
  return named
}

function text(value: string | Uint8Array | undefined): string {
  if (typeof value === 'string') return value
  return value === undefined
    ? ''
    : Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1')
}
