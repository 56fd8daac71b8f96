import { matchesArn, matchesWildcard } from './wildcard.ts'

/** What a request says of itself, by lower-case condition key name; undefined where the key is absent. */
export type RequestContext = (conditionName: string) => readonly string[] | undefined

export type Condition = (request: RequestContext) => boolean

type Comparison = Readonly<{ holds: (wanted: string, given: string) => boolean; isNegated: boolean }>

const equal = (wanted: string, given: string): boolean => wanted === given
const equalIgnoringCase = (wanted: string, given: string): boolean =>
  wanted.toLowerCase() === given.toLowerCase()

const comparisons: Readonly<Record<string, Comparison>> = {
  StringEquals: { holds: equal, isNegated: false },
  StringNotEquals: { holds: equal, isNegated: true },
  StringEqualsIgnoreCase: { holds: equalIgnoringCase, isNegated: false },
  StringNotEqualsIgnoreCase: { holds: equalIgnoringCase, isNegated: true },
  StringLike: { holds: matchesWildcard, isNegated: false },
  StringNotLike: { holds: matchesWildcard, isNegated: true },
  ArnEquals: { holds: matchesArn, isNegated: false },
  ArnLike: { holds: matchesArn, isNegated: false },
  ArnNotEquals: { holds: matchesArn, isNegated: true },
  ArnNotLike: { holds: matchesArn, isNegated: true },
  Bool: { holds: equalIgnoringCase, isNegated: false },
}

const knownNames = new Set([
  'kms:encryptioncontextkeys',
  'kms:calleraccount',
  'kms:keyorigin',
  'kms:multiregion',
  'sts:externalid',
  'sts:rolesessionname',
  'aws:principalarn',
  'aws:principalaccount',
  'aws:principaltype',
  'aws:securetransport',
])

/** Whether this evaluator knows what a request answers for the condition key. */
export function isKnownConditionName(name: string): boolean {
  const lower = name.toLowerCase()
  return knownNames.has(lower) || /^kms:encryptioncontext:.+$/.test(lower)
}

/**
 * Compiles one `operator: { name: values }` entry of a policy.
 *
 * A missing key fails a positive operator and passes a negated one; `…IfExists` passes it, `ForAllValues:` passes
 * it (vacuous truth), `ForAnyValue:` fails it (IAM User Guide, "Condition operators").
 *
 * @returns undefined when the operator is not one that this evaluator knows
 */
export function compileCondition(
  operator: string,
  name: string,
  values: readonly string[],
): Condition | undefined {
  const conditionName = name.toLowerCase()
  if (operator === 'Null') {
    return (request) => values.includes(String(request(conditionName) === undefined))
  }
  const parts = /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/.exec(operator)
  const comparison = Object.hasOwn(comparisons, parts?.[2] ?? '') ? comparisons[parts?.[2] ?? ''] : undefined
  if (comparison === undefined) return undefined
  const quantifier = parts?.[1]
  const passesWhenAbsent = parts?.[3] !== undefined || quantifier === 'ForAllValues'
  const accepts = (given: string): boolean =>
    values.some((wanted) => comparison.holds(wanted, given)) !== comparison.isNegated
  return (request) => {
    const given = request(conditionName)
    if (given === undefined) return passesWhenAbsent || (comparison.isNegated && quantifier === undefined)
    return quantifier === 'ForAnyValue' ? given.some(accepts) : given.every(accepts)
  }
}
