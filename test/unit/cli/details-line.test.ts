import { expect, describe, it } from 'vitest'
import { detailsLine } from '#cli/output/details-line.ts'

describe('details of a ledger entry, for people', () => {
  it('stand on one line as name=value', () => {
    expect(detailsLine({ name: 'x', epoch: 6, isTampered: true, reason: null })).toBe(
      'name=x epoch=6 isTampered=true reason=—',
    )
  })

  it('name what is nested by its path', () => {
    expect(detailsLine({ end: { status: 200, usage: { inputTokens: 12 } } })).toBe(
      'end.status=200 end.usage.inputTokens=12',
    )
  })

  it('name the members of a list by what they are called, and say which failed', () => {
    const checks = [
      { name: 'describe', isPassed: true, finding: 'The key is Enabled.', fault: null },
      { name: 'ownership', isPassed: false, finding: 'Put the word.', fault: { kind: 'misconfigured' } },
    ]
    const findings = [{ code: 'aws-create-grant', severity: 'warning' }]
    expect(detailsLine({ checks, findings, probes: [], models: ['a', 'b'] })).toBe(
      'checks=describe, ownership failed findings=aws-create-grant probes=none models=a, b',
    )
  })

  it('keep the fields of a member that is called nothing together', () => {
    expect(detailsLine({ versions: [{ generation: 2, unwrapId: 'u' }] })).toBe(
      'versions=(generation=2 unwrapId=u)',
    )
  })

  it('cut a long list short, and count one whose members are called nothing', () => {
    const models = Array.from({ length: 9 }, (_, at) => `m${at}`)
    const probes = Array.from({ length: 31 }, () => ({ action: 'kms:Sign', outcome: 'refused' }))
    expect(detailsLine({ models, probes })).toBe('models=m0, m1, m2, m3, m4, m5 and 3 more probes=31')
  })
})
