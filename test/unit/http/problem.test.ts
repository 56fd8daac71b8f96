import { describe, expect, it } from 'vitest'
import { AccessError } from '#access/access-error.ts'
import { problems } from '#http/errors-to-http.ts'
import { problemOf } from '#http/problem.ts'
import { RequestError } from '#http/request-error.ts'
import { IntegrityError } from '#integrity/assert-row-mac.ts'
import { KekError } from '#keks/kek-error.ts'
import { KekFault } from '#kms/kek-fault.ts'
import { LedgerError } from '#ledger/ledger-error.ts'
import { TargetError } from '#targets/target-error.ts'

describe('telling a caller what went wrong', () => {
  it.each([
    [new AccessError('unauthenticated', 'Send a token.'), 401, 'unauthenticated'],
    [new TargetError('target_not_found', 'None.'), 404, 'target_not_found'],
    [new KekError('kek_in_use', 'Used.'), 409, 'kek_in_use'],
    [new KekFault('revoked', 'DisabledException', 'Enable it.'), 403, 'kek_revoked'],
    [new KekFault('ours', 'x', 'Ours.'), 503, 'kek_ours'],
    [new RequestError('body_too_large', 'Large.'), 413, 'body_too_large'],
  ])('%s', (error, status, code) => {
    const { problem } = problemOf(error, 'request-1')
    expect(problem).toEqual({
      type: `https://hasp.dev/problems/${code}`,
      title: problems[problem.code].title,
      status,
      code,
      detail: error.message,
      requestId: 'request-1',
    })
  })

  it('says what to do about a record that was tampered with, whatever it is', () => {
    for (const [table, advice] of [
      ['keks', 'retire the KEK'],
      ['targets', 'Delete the target'],
      ['virtual_keys', 'Revoke this virtual key'],
      ['admin_tokens', 'Revoke this token'],
      ['credentials', 'Set the credential anew'],
      ['idempotency_records', 'take a new Idempotency-Key'],
      ['some_other_table', 'backup'],
    ] as const) {
      const { problem } = problemOf(new IntegrityError(table), 'request-1')
      expect([problem.status, problem.code]).toEqual([500, 'row_tampered'])
      expect(problem.detail).toContain(advice)
    }
  })

  it('answers like any other useless token one that was revoked before the change could be made', () => {
    const { problem } = problemOf(new LedgerError('actor_gone', 'Revoked.'), 'request-1')
    expect([problem.status, problem.code, problem.detail]).toEqual([401, 'unauthenticated', 'Revoked.'])
    expect(problemOf(new LedgerError('receipts_closed', 'x'), 'request-1').problem.code).toBe('internal')
  })

  it.each([
    new Error('connection to postgres://user:secret@host failed'),
    new TypeError('secret of undefined'),
    Object.assign(new Error('secret'), { code: '23505', detail: 'secret' }),
    Object.assign(new Error('secret'), { statusCode: 500 }),
    'secret',
    undefined,
    { message: 'secret', status: 200 },
  ])('says nothing of an error that nobody foresaw: %s', (error) => {
    const { problem } = problemOf(error, 'request-1')
    expect([problem.status, problem.code]).toEqual([500, 'internal'])
    expect(JSON.stringify(problem)).not.toContain('secret')
  })

  it('keeps only the place and the rule of a failed validation, and shortens a name that is not known', () => {
    const validation = [
      {
        keyword: 'additionalProperties',
        instancePath: '/a/b',
        schemaPath: '',
        params: { additionalProperty: 'x'.repeat(500) },
        message: 'must NOT have additional properties',
      },
    ]
    const error = Object.assign(new Error('body/a/b secret'), { validation, validationContext: 'body' })
    const { problem } = problemOf(error, 'r')
    expect(problem.code).toBe('body_invalid')
    expect(problem.detail).toBe(`body.a.b must not have the member "${'x'.repeat(100)}": check its spelling.`)
  })

  it('asks whoever may come again to wait, and nobody else', () => {
    expect(problemOf(new KekFault('unreachable', 'timeout', ''), 'r').retryAfterSeconds).toBe(5)
    expect(problemOf(new KekFault('revoked', 'x', ''), 'r').retryAfterSeconds).toBeUndefined()
    for (const { status, ...problem } of Object.values(problems))
      if ('retryAfterSeconds' in problem) expect([409, 429, 503]).toContain(status)
  })
})
