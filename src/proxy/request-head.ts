import { isHeaderName, isHeaderValue } from './header-names.ts'
import { Refusal } from './refusal.ts'

const headerCountMax = 100
const headerBytesMax = 32_768

/** A request's headers, read once for all that is asked of them. */
export type RequestHead = Readonly<{
  /** Flat: name, value, name, value …, names in lower case, with duplicates. */
  headers: readonly string[]
  contentType: string | undefined
  contentLength: number | undefined
  isChunked: boolean
  /** Value of `x-hasp-target`: name or id of the one target that may serve the request. */
  targetName: string | undefined
}>

/**
 * Refuses header shapes that two HTTP parsers could read differently (request smuggling, RFC 9112 §11.2) and ones
 * that no SDK sends, before anything else is done with the request. `rawHeaders` is Node's flat list: name, value,
 * name, value …, in the caller's case, with duplicates.
 * @throws {Refusal} `header_refused`, `body_encoding_refused`.
 */
export function checkRequestHead(rawHeaders: readonly string[]): RequestHead {
  const headers: string[] = []
  const single: SingleHeaders = {}
  let bytes = 0
  if (rawHeaders.length > headerCountMax * 2) throw refusal(`More than ${headerCountMax} headers.`)
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    const value = rawHeaders[index + 1] ?? ''
    bytes += name.length + value.length
    if (!isHeaderName(name)) throw refusal('A header has a name that is not allowed.')
    if (!isHeaderValue(value)) throw refusal(`The value of "${shown(name)}" has a control character.`)
    const lowerCaseName = name.toLowerCase()
    headers.push(lowerCaseName, value)
    if (isSingle(lowerCaseName)) takeOnce(single, lowerCaseName, value)
  }
  if (bytes > headerBytesMax) throw refusal(`The headers are longer than ${headerBytesMax} bytes.`)
  checkFraming(single)
  const { 'content-type': contentType, 'content-length': contentLength } = single
  return {
    headers,
    contentType,
    contentLength: contentLength === undefined ? undefined : Number(contentLength),
    isChunked: single['transfer-encoding'] !== undefined,
    targetName: single['x-hasp-target'],
  }
}

/** Headers that may come once. */
type SingleHeader =
  | 'host'
  | 'content-type'
  | 'content-length'
  | 'content-encoding'
  | 'transfer-encoding'
  | 'expect'
  | 'upgrade'
  | 'connection'
  | 'x-hasp-target'
type SingleHeaders = { [Name in SingleHeader]?: string }

const singleHeaders = new Set<string>([
  'host',
  'content-type',
  'content-length',
  'content-encoding',
  'transfer-encoding',
  'expect',
  'upgrade',
  'connection',
  'x-hasp-target',
] satisfies SingleHeader[])

function isSingle(name: string): name is SingleHeader {
  return singleHeaders.has(name)
}

function takeOnce(taken: SingleHeaders, name: SingleHeader, value: string): void {
  if (taken[name] !== undefined) throw refusal(`"${name}" comes twice.`)
  taken[name] = value.trim()
}

function checkFraming(framing: SingleHeaders): void {
  const transfer = framing['transfer-encoding']
  const length = framing['content-length']
  if (transfer !== undefined && length !== undefined) {
    throw refusal('"content-length" and "transfer-encoding" come together.')
  }
  if (transfer !== undefined && transfer.toLowerCase() !== 'chunked') {
    throw refusal('"transfer-encoding" may only be "chunked".')
  }
  if (length !== undefined && !/^\d{1,15}$/.test(length))
    throw refusal('"content-length" is not one whole number.')
  if (framing.upgrade !== undefined)
    throw refusal('"upgrade" is not supported: Hasp speaks plain HTTP requests.')
  const expect = framing.expect?.toLowerCase()
  if (expect !== undefined && expect !== '100-continue') throw refusal('"expect" may only be "100-continue".')
  checkConnection(framing.connection)
  const encoding = framing['content-encoding']?.toLowerCase()
  if (encoding !== undefined && encoding !== '' && encoding !== 'identity') {
    throw new Refusal('body_encoding_refused')
  }
}

const connectionOptions = new Set(['keep-alive', 'close', 'te', ''])

/** A header that `connection` names would have to vanish on the way: used only to make one hop see what another does not. */
function checkConnection(value: string | undefined): void {
  if (value === undefined) return
  const options = value.toLowerCase().split(',')
  if (!options.every((option) => connectionOptions.has(option.trim()))) {
    throw refusal('"connection" may only be "keep-alive", "close" or "TE".')
  }
}

function shown(name: string): string {
  return name.slice(0, 64)
}

function refusal(message: string): Refusal {
  return new Refusal('header_refused', { message })
}
