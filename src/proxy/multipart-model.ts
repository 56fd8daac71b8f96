import { isHeaderValue } from './header-names.ts'
import { Refusal } from './refusal.ts'
import { isModelName, type RequestedModel } from './requested-model.ts'

const partsMax = 64
const partHeadBytesMax = 1024
const fieldBytesMax = 256

/**
 * Reads the fields `model` and `stream` of a form (RFC 7578) in place. Takes only the plain shape that SDKs, browsers
 * and curl write, since lenient form parsers differ on everything else: no preamble, CRLF line ends, one
 * `content-disposition` per part with a quoted name, no transfer encodings.
 * @throws {Refusal} `body_malformed`, `model_duplicated`, `model_unreadable`.
 */
export function readFormModel(contentType: string, body: Buffer): RequestedModel {
  const boundary = Buffer.from(`--${boundaryOf(contentType)}`)
  let model: string | undefined
  let isStream = false
  if (!body.subarray(0, boundary.length).equals(boundary))
    throw malformed('it does not begin with its boundary')
  let at = boundary.length
  for (let part = 0; !isClosing(body, at); part++) {
    if (part >= partsMax) throw malformed(`it has more than ${partsMax} parts`)
    const valueStart = headEnd(body, at)
    const valueEnd = endOfValue(body, valueStart, boundary)
    const name = fieldName(body.toString('latin1', at + 2, valueStart - 4))
    if (name.toLowerCase() === 'model') {
      if (model !== undefined) throw new Refusal('model_duplicated')
      model = modelOf(name, body.subarray(valueStart, valueEnd))
    }
    if (name === 'stream') isStream = body.toString('latin1', valueStart, valueEnd) === 'true'
    at = valueEnd + 2 + boundary.length
  }
  return { model, isStream }
}

/** RFC 2046 §5.1.1, without the space that it allows inside. */
const boundaryPattern = /^[0-9A-Za-z'()+_,\-./:=?]{1,70}$/

function boundaryOf(contentType: string): string {
  const parameters = contentType
    .split(';')
    .slice(1)
    .map((parameter) => parameter.trim())
  const boundaries = parameters.filter((parameter) => parameter.toLowerCase().startsWith('boundary'))
  const boundary = (boundaries[0] ?? '').slice('boundary='.length).replace(/^"(.*)"$/, '$1')
  const isPlain = boundaries.length === 1 && boundaries[0]?.charAt('boundary'.length) === '='
  if (!isPlain || !boundaryPattern.test(boundary)) throw malformed('its boundary is not plain')
  return boundary
}

/** Behind the last boundary stand two hyphens, and at most one line end. */
function isClosing(body: Buffer, at: number): boolean {
  if (body[at] !== hyphen || body[at + 1] !== hyphen) return false
  const rest = body.length - at - 2
  if (rest === 0 || (rest === 2 && body[at + 2] === carriageReturn && body[at + 3] === lineFeed)) return true
  throw malformed('something follows its last boundary')
}

/** Offset of the value, behind the empty line; the part's head begins with the line end of its boundary. */
function headEnd(body: Buffer, at: number): number {
  if (body[at] !== carriageReturn || body[at + 1] !== lineFeed) throw malformed('a boundary is not a line')
  const end = body.subarray(at, at + partHeadBytesMax).indexOf('\r\n\r\n')
  if (end === -1) throw malformed(`a part's head is longer than ${partHeadBytesMax} bytes`)
  return at + end + 4
}

/** The boundary must stand behind a CRLF where it next appears: some parsers take it behind a bare line feed too. */
function endOfValue(body: Buffer, valueStart: number, boundary: Buffer): number {
  const end = body.indexOf(boundary, valueStart) - 2
  if (end < valueStart || body[end] !== carriageReturn || body[end + 1] !== lineFeed) {
    throw malformed('its boundary is missing or stands inside a part')
  }
  return end
}

const dispositionPattern =
  /^form-data; ?name="([^"\\%\r\n]*)"(?:; ?filename="[^"\r\n]*")?(?:; ?filename\*=[^;"\r\n]*)?$/i

function fieldName(head: string): string {
  let name: string | undefined
  for (const line of head.split('\r\n')) {
    if (!isHeaderValue(line)) throw malformed('a part has a head that Hasp does not read')
    const colon = line.indexOf(':')
    const header = line.slice(0, Math.max(colon, 0)).toLowerCase()
    if (header === 'content-type' || header === 'content-length') continue
    const disposition =
      header === 'content-disposition' ? dispositionPattern.exec(line.slice(colon + 1).trim()) : null
    if (disposition === null || name !== undefined)
      throw malformed('a part has a head that Hasp does not read')
    name = disposition[1]
  }
  if (name === undefined) throw malformed('a part has no name')
  return name
}

function modelOf(name: string, value: Buffer): string {
  const model = value.length <= fieldBytesMax ? value.toString('latin1') : ''
  if (name !== 'model' || !isModelName(model)) throw new Refusal('model_unreadable')
  return model
}

function malformed(why: string): Refusal {
  return new Refusal('body_malformed', {
    message: `The request body is not a form that Hasp can read: ${why}.`,
  })
}

const hyphen = 0x2d
const carriageReturn = 0x0d
const lineFeed = 0x0a
