import { parsePolicy, type PolicyDocument } from '#emulators/aws/iam/policy-document.ts'
import { ServiceError } from '#emulators/aws/wire/service-error.ts'

const KNOWN_PARAMETERS = new Set([
  'Action',
  'Version',
  'RoleArn',
  'RoleSessionName',
  'ExternalId',
  'DurationSeconds',
  'Policy',
])
const SESSION_SECONDS = { min: 900, max: 43_200, fallback: 3600 }

export type AssumeRoleRequest = Readonly<{
  roleArn: string
  sessionName: string
  externalId: string | undefined
  seconds: number
  policy: PolicyDocument | undefined
}>

/** @throws {ServiceError} ValidationError, MalformedPolicyDocument */
export function readAssumeRole(parameters: ReadonlyMap<string, string>): AssumeRoleRequest {
  const unknown = [...parameters.keys()].find((name) => !KNOWN_PARAMETERS.has(name))
  if (unknown !== undefined)
    throw new ServiceError('ValidationError', `The emulator does not model ${unknown}.`)
  const sessionPolicy = parameters.get('Policy')
  return {
    roleArn:
      matching(parameters, 'RoleArn', /^arn:aws:iam::\d{12}:role\/[\w+=,.@/-]{1,576}$/) ??
      required('roleArn'),
    sessionName: matching(parameters, 'RoleSessionName', /^[\w+=,.@-]{2,64}$/) ?? required('roleSessionName'),
    externalId: matching(parameters, 'ExternalId', /^[\w+=,.@:/-]{2,1224}$/),
    seconds: sessionSeconds(parameters),
    policy: sessionPolicy === undefined ? undefined : parseSessionPolicy(sessionPolicy),
  }
}

function sessionSeconds(parameters: ReadonlyMap<string, string>): number {
  const text = matching(parameters, 'DurationSeconds', /^\d{1,9}$/)
  if (text === undefined) return SESSION_SECONDS.fallback
  const seconds = Number(text)
  if (seconds < SESSION_SECONDS.min)
    throw invalid(
      'durationSeconds',
      text,
      `Member must have value greater than or equal to ${SESSION_SECONDS.min}`,
    )
  if (seconds > SESSION_SECONDS.max)
    throw invalid(
      'durationSeconds',
      text,
      `Member must have value less than or equal to ${SESSION_SECONDS.max}`,
    )
  return seconds
}

function parseSessionPolicy(text: string): PolicyDocument {
  try {
    return parsePolicy(text, 'identity')
  } catch (error) {
    if (error instanceof ServiceError) throw new ServiceError('MalformedPolicyDocument', error.message)
    throw error
  }
}

function matching(
  parameters: ReadonlyMap<string, string>,
  name: string,
  pattern: RegExp,
): string | undefined {
  const value = parameters.get(name)
  if (value === undefined || pattern.test(value)) return value
  throw invalid(
    name.charAt(0).toLowerCase() + name.slice(1),
    value,
    `Member must satisfy regular expression pattern: ${pattern.source}`,
  )
}

function required(member: string): never {
  throw invalid(member, 'null', 'Member must not be null')
}

function invalid(member: string, value: string, constraint: string): ServiceError {
  return new ServiceError(
    'ValidationError',
    `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: ${constraint}`,
  )
}
