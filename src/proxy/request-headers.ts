import type { Provider } from '#providers/provider.ts'
import { providers } from '#providers/providers.ts'
import { compileHeaderNames, includesHeader, isAscii } from './header-names.ts'
import { Refusal } from './refusal.ts'

/**
 * What is forwarded to every provider. Everything that is neither here nor in the provider's own list stays behind:
 * credentials wherever they stand, cookies, hop-by-hop headers, addresses (`forwarded`, `x-forwarded-*`), trace
 * context (it names the caller's internals to a third party), `x-hasp-*`, and `openai-organization` and `-project`
 * (whose budget pays is the target's choice, not the caller's). Host and content-length are set by the transport.
 */
const forwarded = ['content-type', 'accept', 'accept-encoding', 'user-agent']

/** May come in several lines, which are joined as RFC 9110 §5.3 has it; every other forwarded header comes once. */
const listValued = new Set(['accept', 'accept-encoding', 'anthropic-beta', 'openai-beta'])

const namesOf = new Map(
  providers.map((provider) => [provider, compileHeaderNames([...forwarded, ...provider.requestHeaders])]),
)

export type RequestHeaderOptions = Readonly<{
  /** A stream is asked for uncompressed, so that its reader can be told inside it when it is cut. */
  isStream: boolean
}>

/**
 * The headers that go to `provider`, from its `RequestHead.headers` and in their shape. The credential is not among
 * them.
 * @throws {Refusal} `header_refused` for a repeated or non-ASCII value of a forwarded header.
 */
export function selectRequestHeaders(
  headers: readonly string[],
  provider: Provider,
  { isStream }: RequestHeaderOptions,
): string[] {
  const names = namesOf.get(provider)
  const selected: string[] = []
  if (names === undefined) return selected
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? ''
    if (includesHeader(names, name)) add(selected, name, headers[index + 1] ?? '')
  }
  if (isStream) replace(selected, 'accept-encoding', 'identity')
  addDefaults(selected, provider.defaultHeaders)
  return selected
}

function add(selected: string[], name: string, value: string): void {
  if (!isAscii(value)) throw refusal(`The value of "${name}" is not ASCII.`)
  const at = indexOfName(selected, name)
  if (at === -1) selected.push(name, value)
  else if (listValued.has(name)) selected[at + 1] = `${selected[at + 1] ?? ''}, ${value}`
  else throw refusal(`"${name}" comes twice.`)
}

function replace(selected: string[], name: string, value: string): void {
  const at = indexOfName(selected, name)
  if (at === -1) selected.push(name, value)
  else selected[at + 1] = value
}

function addDefaults(selected: string[], defaults: readonly string[]): void {
  for (let index = 0; index + 1 < defaults.length; index += 2) {
    const name = defaults[index] ?? ''
    if (indexOfName(selected, name) === -1) selected.push(name, defaults[index + 1] ?? '')
  }
}

function indexOfName(headers: readonly string[], name: string): number {
  for (let index = 0; index < headers.length; index += 2) if (headers[index] === name) return index
  return -1
}

function refusal(message: string): Refusal {
  return new Refusal('header_refused', { message })
}
