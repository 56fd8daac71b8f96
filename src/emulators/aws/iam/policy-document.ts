import { ServiceError } from '#emulators/aws/wire/service-error.ts'
import { compileCondition, isKnownConditionName, type Condition } from './condition.ts'

/** Key policies and trust policies say who; identity and session policies hang on the who. */
export type PolicyKind = 'key' | 'trust' | 'identity'

export type Statement = Readonly<{
  effect: 'Allow' | 'Deny'
  /** ARNs, account ids as root ARNs, or `*`; empty in identity policies. */
  principals: readonly string[]
  actions: readonly string[]
  /** True for `NotAction`: the list names what the statement is not about. */
  isNotAction: boolean
  resources: readonly string[]
  isNotResource: boolean
  conditions: readonly Condition[]
}>

export type PolicyDocument = Readonly<{ kind: PolicyKind; text: string; statements: readonly Statement[] }>

/**
 * Parses and compiles a policy. Whatever this evaluator could not judge exactly is refused here, never guessed at
 * during a request.
 *
 * @throws {ServiceError} MalformedPolicyDocumentException
 */
export function parsePolicy(text: string, kind: PolicyKind): PolicyDocument {
  const root = asRecord(parseJson(text), 'policy')
  onlyMembers(root, ['Version', 'Id', 'Statement'])
  if (root['Version'] !== undefined && root['Version'] !== '2012-10-17' && root['Version'] !== '2008-10-17') {
    malformed('the Version must be 2012-10-17')
  }
  const statements = asList(root['Statement']).map((statement) => parseStatement(statement, kind))
  if (statements.length === 0) malformed('a policy needs a Statement')
  return { kind, text, statements }
}

function parseStatement(value: unknown, kind: PolicyKind): Statement {
  const statement = asRecord(value, 'Statement')
  onlyMembers(statement, [
    'Sid',
    'Effect',
    'Principal',
    'Action',
    'NotAction',
    'Resource',
    'NotResource',
    'Condition',
  ])
  const effect = statement['Effect']
  if (effect !== 'Allow' && effect !== 'Deny') return malformed('Effect must be Allow or Deny')
  const isNotAction = statement['NotAction'] !== undefined
  const isNotResource = statement['NotResource'] !== undefined
  const actions = asStrings(statement[isNotAction ? 'NotAction' : 'Action'], 'Action')
  if (actions.length === 0 || !actions.every((action) => /^(\*|[a-z0-9-]+:[A-Za-z0-9*?]+)$/.test(action))) {
    return malformed('Action must name actions of a service')
  }
  return {
    effect,
    principals: parsePrincipals(statement['Principal'], kind),
    actions: actions.map((action) => action.toLowerCase()),
    isNotAction,
    resources: parseResources(statement[isNotResource ? 'NotResource' : 'Resource'], kind),
    isNotResource,
    conditions: parseConditions(statement['Condition']),
  }
}

function parsePrincipals(value: unknown, kind: PolicyKind): string[] {
  if (kind === 'identity') return value === undefined ? [] : malformed('an identity policy has no Principal')
  if (value === '*') return ['*']
  const principal = asRecord(value, 'Principal')
  onlyMembers(principal, ['AWS', 'Service'])
  const named = asStrings(principal['AWS'] ?? [], 'Principal')
  const services = asStrings(principal['Service'] ?? [], 'Principal')
  if (named.length + services.length === 0) return malformed('a statement needs a Principal')
  return [...named.map(principalArn), ...services.map((service) => `service:${service}`)]
}

function principalArn(principal: string): string {
  if (principal === '*') return principal
  if (/^\d{12}$/.test(principal)) return `arn:aws:iam::${principal}:root`
  if (
    /^arn:aws:(iam::\d{12}:(root|user\/[^*?]+|role\/[^*?]+)|sts::\d{12}:assumed-role\/[^*?]+)$/.test(
      principal,
    )
  ) {
    return principal
  }
  return malformed('Policy contains a statement with one or more invalid principals.')
}

function parseResources(value: unknown, kind: PolicyKind): string[] {
  if (kind === 'trust') return value === undefined ? ['*'] : malformed('a trust policy has no Resource')
  const resources = asStrings(value, 'Resource')
  return resources.length > 0 ? resources : malformed('a statement needs a Resource')
}

function parseConditions(value: unknown): Condition[] {
  if (value === undefined) return []
  return Object.entries(asRecord(value, 'Condition')).flatMap(([operator, test]) =>
    Object.entries(asRecord(test, 'Condition')).map(([name, wanted]) => {
      if (!isKnownConditionName(name)) return malformed(`the condition key ${name} is not supported`)
      const values = asConditionValues(wanted)
      if (values.some((text) => text.includes('${'))) return malformed('policy variables are not supported')
      return (
        compileCondition(operator, name, values) ??
        malformed(`the condition operator ${operator} is not supported`)
      )
    }),
  )
}

function asConditionValues(value: unknown): string[] {
  const values = asList(value).map((item) => (typeof item === 'boolean' ? String(item) : item))
  return asStrings(values, 'Condition')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return malformed('the policy is not JSON')
  }
}

function asList(value: unknown): unknown[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value]
}

function asStrings(value: unknown, member: string): string[] {
  const texts = asList(value).filter((item) => typeof item === 'string')
  return texts.length === asList(value).length ? texts : malformed(`${member} must hold strings`)
}

function asRecord(value: unknown, member: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return malformed(`${member} must be an object`)
  }
  return { ...value }
}

function onlyMembers(record: Record<string, unknown>, known: readonly string[]): void {
  const unknown = Object.keys(record).find((name) => !known.includes(name))
  if (unknown !== undefined) malformed(`${unknown} is not supported`)
}

function malformed(why: string): never {
  throw new ServiceError('MalformedPolicyDocumentException', `Malformed policy: ${why}`)
}
