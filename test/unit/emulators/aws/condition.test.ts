import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileCondition } from '#emulators/aws/iam/condition.ts'
import { matchesArn, matchesWildcard } from '#emulators/aws/iam/wildcard.ts'

const NAME = 'kms:EncryptionContextKeys'

function holds(operator: string, wanted: string[], given: string[] | undefined): boolean {
  const condition = compileCondition(operator, NAME, wanted)
  if (condition === undefined) throw new Error(`unknown operator ${operator}`)
  return condition((name) => (name === NAME.toLowerCase() ? given : undefined))
}

describe('condition operators', () => {
  it.each([
    ['StringEquals', ['a'], ['a'], true],
    ['StringEquals', ['a', 'b'], ['b'], true],
    ['StringEquals', ['a'], ['A'], false],
    ['StringEquals', ['a*'], ['ab'], false],
    ['StringEquals', ['a'], undefined, false],
    ['StringEqualsIfExists', ['a'], undefined, true],
    ['StringEqualsIfExists', ['a'], ['b'], false],
    ['StringNotEquals', ['a'], ['b'], true],
    ['StringNotEquals', ['a', 'b'], ['b'], false],
    ['StringNotEquals', ['a'], undefined, true],
    ['StringLike', ['a*c?'], ['abbcd'], true],
    ['StringLike', ['a*c?'], ['abbc'], false],
    ['ArnLike', ['arn:aws:iam::*:role/h*'], ['arn:aws:iam::111122223333:role/hasp'], true],
    ['ArnEquals', ['arn:aws:iam::*:role/h*'], ['arn:aws:iam::1:x:role/hasp'], false],
    ['Bool', ['true'], ['true'], true],
    ['Bool', ['false'], ['true'], false],
    ['Null', ['true'], undefined, true],
    ['Null', ['false'], undefined, false],
    ['Null', ['false'], ['x'], true],
    ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'b'], true],
    ['ForAllValues:StringEquals', ['a'], ['a', 'b'], false],
    ['ForAllValues:StringEquals', ['a'], undefined, true],
    ['ForAnyValue:StringEquals', ['a'], ['x', 'a'], true],
    ['ForAnyValue:StringEquals', ['a'], ['x'], false],
    ['ForAnyValue:StringEquals', ['a'], undefined, false],
    ['ForAnyValue:StringNotEquals', ['a'], undefined, false],
  ] as const)('%s %j on %j is %j', (operator, wanted, given, expected) => {
    expect(holds(operator, [...wanted], given === undefined ? undefined : [...given])).toBe(expected)
  })

  it.each(['NumericEquals', 'DateLessThan', 'IpAddress', 'toString', 'ForSomeValues:StringEquals'])(
    'refuses to compile %s rather than guess',
    (operator) => {
      expect(compileCondition(operator, NAME, ['1'])).toBeUndefined()
    },
  )
})

describe('wildcards', () => {
  it('match as the equivalent regular expression does', () => {
    const piece = fc.constantFrom('a', 'b', '*', '?', '.', '+')
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 8 }),
        fc.array(fc.constantFrom('a', 'b', '.'), { maxLength: 10 }),
        (p, t) => {
          const [pattern, text] = [p.join(''), t.join('')]
          const source = pattern.replace(/[.+]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.')
          expect(matchesWildcard(pattern, text)).toBe(new RegExp(`^${source}$`, 's').test(text))
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('stay fast on patterns that make backtracking matchers explode', () => {
    expect(matchesWildcard(`${'*a'.repeat(200)}b`, 'a'.repeat(20_000))).toBe(false)
  }, 2000)

  it('do not cross the borders of an ARN', () => {
    expect(
      matchesArn('arn:aws:kms:*:111122223333:key/*', 'arn:aws:kms:eu-central-1:111122223333:key/a/b:c'),
    ).toBe(true)
    expect(matchesArn('arn:aws:kms:*:key/1', 'arn:aws:kms:eu-central-1:111122223333:key/1')).toBe(false)
  })
})
