import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { faultOf, judgeRefusal } from '#kms/gcp/gcp-faults.ts'
import { refusalOf } from '#kms/gcp/gcp-refusal.ts'
import { exchangeFault, ownTokenFault } from '#kms/gcp/token-faults.ts'
import { gcpFaultFixtures, gcpTokenFaultFixtures, type GcpFaultFixture } from './fault-fixtures.ts'

function faultFor({ error, operation }: GcpFaultFixture) {
  const refusal = refusalOf(error)
  if (refusal === undefined) throw new Error('The fixture is no status of a call.')
  return faultOf(judgeRefusal(refusal, operation), refusal, 'reason-1')
}

describe('a status that Google KMS ends a call with', () => {
  it.each(gcpFaultFixtures.map((fixture) => [fixture.name, fixture] as const))('%s', (_, fixture) => {
    const fault = faultFor(fixture)
    expect(fault).toMatchObject({ isAmbiguous: false, ...fixture.expected, kmsRequestId: 'reason-1' })
    expect(fault.message).not.toMatch(/4711|acme|10\.0\.0\.1/)
    expect(fault.message.length).toBeGreaterThan(20)
    expect(fault.cause).toBeUndefined()
  })

  it('is read from nothing that is no status', () => {
    for (const other of [
      new Error('no code'),
      Object.assign(new Error('x'), { code: 'ENOTFOUND' }),
      'text',
      null,
    ]) {
      expect(refusalOf(other)).toBeUndefined()
    }
  })
})

describe('what a token service answers', () => {
  it.each(gcpTokenFaultFixtures.map((fixture) => [fixture.name, fixture] as const))(
    '%s: for the customer’s pool and for our own login',
    (_, { expected, refusal }) => {
      for (const [fault, kind] of [
        [exchangeFault(refusal), expected.exchange],
        [ownTokenFault(refusal), expected.own],
      ] as const) {
        expect(fault.kind).toBe(kind)
        expect(fault.message).not.toContain('4711')
      }
    },
  )

  it('about our own login is never called a revocation', () => {
    const kinds = gcpTokenFaultFixtures.map(({ refusal }) => ownTokenFault(refusal).kind)
    expect(new Set(kinds)).toEqual(new Set(['ours', 'throttled', 'unreachable']))
  })
})

describe('the fault table of docs/kms-gcp.md', () => {
  const docs = readFileSync(new URL('../../../../docs/kms-gcp.md', import.meta.url), 'utf8')

  it.each(gcpFaultFixtures.map(({ expected }) => [expected.code, expected.kind] as const))(
    'has %s under %s',
    (code, kind) => {
      const row = docs.split('\n').find((line) => line.startsWith(`| \`${kind}\` |`))
      expect(row).toContain(`\`${code}\``)
    },
  )
})
