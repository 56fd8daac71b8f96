import type { FastifyError } from 'fastify'
import { patternsInWords } from './schemas.ts'

type Fault = NonNullable<FastifyError['validation']>[number]

/** A list this long helps nobody to find a word that was misspelt by one letter; the OpenAPI document has it. */
const wordsShownMax = 50

/**
 * What does not fit its schema, and what would. Only what the schema says and the names of unknown members are
 * repeated, never a value of the request.
 * @param faults of one validation, in ajv's order: where a schema has alternatives, those of each, then `anyOf`.
 */
export function validationDetail(faults: readonly Fault[], context = 'body'): string {
  const told = alternativesAmong(faults)
  const [first] = told
  const place = `${context === 'querystring' ? 'query' : context}${first?.instancePath ?? ''}`
  const what = told.length > 1 ? `must be ${told.map(kindOf).join(' or ')}` : inWords(first)
  return `${place.replaceAll('/', '.')} ${what}.`
}

/**
 * The first fault; or, where a schema has alternatives, that of the one which was meant: an alternative that got
 * furthest into the value, or whose kind of value it was. Several where none fits even by kind.
 */
function alternativesAmong(faults: readonly Fault[]): readonly Fault[] {
  if (!faults.some(({ keyword }) => keyword === 'anyOf')) return faults.slice(0, 1)
  const branches = faults.filter(({ keyword }) => keyword !== 'anyOf')
  const depthMax = Math.max(...branches.map(depthOf))
  const deepest = branches.filter((fault) => depthOf(fault) === depthMax)
  const ofItsKind = deepest.find(({ keyword }) => keyword !== 'type' && keyword !== 'const')
  if (ofItsKind !== undefined) return [ofItsKind]
  // One alternative may tell the kind and the word.
  return [...new Map(deepest.map((fault) => [alternativeOf(fault), fault])).values()]
}

function alternativeOf({ schemaPath }: Fault): string {
  return schemaPath.slice(0, schemaPath.lastIndexOf('/'))
}

function depthOf({ instancePath }: Fault): number {
  return instancePath.split('/').length
}

function inWords(fault: Fault | undefined): string {
  const { keyword, params = {}, message = 'does not fit' } = fault ?? {}
  switch (keyword) {
    case 'const':
    case 'type':
      return fault === undefined ? message : `must be ${kindOf(fault)}`
    case 'enum':
      return `must be one of ${listed(params['allowedValues'])}`
    case 'pattern':
      return patternsInWords.get(String(params['pattern'])) ?? message
    case 'format':
      return formatsInWords.get(String(params['format'])) ?? message
    case 'additionalProperties':
      return `must not have the member ${JSON.stringify(String(params['additionalProperty']).slice(0, 100))}: check its spelling`
    default:
      return message
  }
}

const formatsInWords = new Map([
  ['uuid', 'must be an id (a UUID)'],
  ['date-time', 'must be a time with its zone, such as 2027-01-31T18:00:00Z'],
])

function kindOf({ keyword, params }: Fault): string {
  if (keyword === 'const') return JSON.stringify(params['allowedValue'])
  const type = String(params['type'])
  return type === 'null' ? type : `${/^[aio]/.test(type) ? 'an' : 'a'} ${type}`
}

function listed(values: unknown): string {
  if (!Array.isArray(values)) return 'the values that its schema names'
  const words = values.slice(0, wordsShownMax).map((value) => JSON.stringify(value))
  return words.join(', ') + (values.length > wordsShownMax ? ', …' : '')
}
