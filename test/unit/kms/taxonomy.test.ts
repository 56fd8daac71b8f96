import { describe, expect, it } from 'vitest'
import { faultOf, judgeRefusal } from '#kms/gcp/gcp-faults.ts'
import { refusalOf } from '#kms/gcp/gcp-refusal.ts'
import { exchangeFault, ownTokenFault } from '#kms/gcp/token-faults.ts'
import type { KekFault, KekFaultKind } from '#kms/kek-fault.ts'
import { awsFaultFixtures } from './aws/fault-fixtures.ts'
import { azureFaultFixtures } from './azure/fault-fixtures.ts'
import { gcpFaultFixtures, gcpTokenFaultFixtures } from './gcp/fault-fixtures.ts'

type Row = Readonly<{ cloud: string; name: string; expected: KekFaultKind; faultOf: () => KekFault }>

const rows: readonly Row[] = [
  ...awsFaultFixtures.map((fixture) => ({ cloud: 'aws', ...fixture })),
  ...gcpFaultFixtures.map(({ error, expected, name, operation }) => ({
    cloud: 'gcp',
    name,
    expected: expected.kind,
    faultOf: () => {
      const refusal = refusalOf(error)
      if (refusal === undefined) throw new Error('The fixture is no status of a call.')
      return faultOf(judgeRefusal(refusal, operation), refusal, 'reason-1')
    },
  })),
  ...gcpTokenFaultFixtures.flatMap(({ expected, name, refusal }) => [
    {
      cloud: 'gcp',
      name: `pool: ${name}`,
      expected: expected.exchange,
      faultOf: () => exchangeFault(refusal),
    },
    { cloud: 'gcp', name: `login: ${name}`, expected: expected.own, faultOf: () => ownTokenFault(refusal) },
  ]),
  ...azureFaultFixtures.map((fixture) => ({ cloud: 'azure', ...fixture })),
]
const judged = rows.map((row) => ({ row, fault: row.faultOf() }))
const named = ({ row, fault }: (typeof judged)[number]) => `${row.cloud} ${row.name}: ${fault.kind}`
const isOutage = (kind: KekFaultKind) => kind === 'unreachable' || kind === 'throttled'
const kinds = ['revoked', 'unreachable', 'throttled', 'misconfigured', 'tampered', 'ours'] as const

describe('the fault taxonomy over every cloud', () => {
  it.each(rows.map((row) => [row.cloud, row.name, row.expected, row] as const))(
    '%s %s is %s',
    (_, __, expected, row) => {
      expect(row.faultOf().kind).toBe(expected)
    },
  )

  it('calls no outage a revocation', () => {
    const wrong = judged.filter(({ row, fault }) => isOutage(row.expected) && fault.kind === 'revoked')
    expect(wrong.map(named)).toEqual([])
  })

  it('calls no revocation an outage, nor a fault of ours', () => {
    const wrong = judged.filter(
      ({ row, fault }) => row.expected === 'revoked' && (isOutage(fault.kind) || fault.kind === 'ours'),
    )
    expect(wrong.map(named)).toEqual([])
  })

  it('tells no customer that they revoked what our own identity could not do', () => {
    const wrong = judged.filter(({ row, fault }) => row.expected === 'ours' && fault.kind !== 'ours')
    expect(wrong.map(named)).toEqual([])
  })

  it('has a row of each kind for each cloud', () => {
    for (const cloud of ['aws', 'gcp', 'azure']) {
      const covered = new Set(rows.filter((row) => row.cloud === cloud).map(({ expected }) => expected))
      expect([cloud, kinds.filter((kind) => !covered.has(kind))]).toEqual([cloud, []])
    }
  })

  it('asks for a second reading of a revocation alone, and of none that names the state of the key', () => {
    const doubtful = judged.filter(({ fault }) => fault.isAmbiguous)
    expect(doubtful.filter(({ fault }) => fault.kind !== 'revoked').map(named)).toEqual([])
    // Google's states are those of a version: the others of the key may serve.
    const certain = /^(?:DisabledException|KeyDisabled)$/
    expect(doubtful.filter(({ fault }) => certain.test(fault.code)).map(named)).toEqual([])
    for (const cloud of ['aws', 'gcp', 'azure'])
      expect(
        doubtful.some(({ row }) => row.cloud === cloud),
        cloud,
      ).toBe(true)
  })

  it('lets none of a cloud’s own text out', () => {
    for (const { fault } of judged) {
      expect(fault.message).not.toMatch(/arn:|1111222233|acme|4711|appid=|contoso/)
      expect(fault.cause).toBeUndefined()
    }
  })
})
