import { describe, expect, it } from 'vitest'
import { compare } from '../../bench/crash/compare.ts'
import { measureCrashes } from '../../bench/crash/measure.ts'
import { faultsOf } from '../../bench/crash/report.ts'

describe('a Hasp that is killed three times under load', () => {
  it('has a receipt for every request that the provider saw, and an intent for every Decrypt', async () => {
    const run = await measureCrashes({ kills: 3, requestsPerSecond: 100, upMsMin: 500, upMsMax: 1000 })
    expect(faultsOf(run)).toEqual([])
    expect(run.seen).toBeGreaterThan(30)
    expect(run.receipts).toBeGreaterThanOrEqual(run.seen)
    expect(run.intents).toBeGreaterThanOrEqual(run.decrypts)
  }, 120_000)
})

describe('the comparison of what was seen with the ledger', () => {
  const receipt = { model: 'gpt-1', kmsRequestId: 'kms-1', unwrapId: 'unwrap-1' }
  const intent = { unwrapId: 'unwrap-1', recordId: 'target', atMs: 1_900, isRefused: false }
  const decrypt = { kmsRequestId: 'kms-1', recordId: 'target', atMs: 1_000 }
  const sound = { seen: ['gpt-1'], receipts: [receipt], intents: [intent], decrypts: [decrypt] }

  it('finds nothing where all is written down, also what was never sent', () => {
    const more = { ...sound, seen: [], intents: [intent, { ...intent, unwrapId: 'unwrap-2' }] }
    const noFaults = { withoutReceipt: [], sentTwice: [], withoutIntent: [], unfounded: [] }
    expect(compare(sound)).toMatchObject(noFaults)
    expect(compare({ ...more, decrypts: [decrypt, { ...decrypt, kmsRequestId: 'kms-2' }] })).toMatchObject(
      noFaults,
    )
  })

  it('finds a request without a receipt, and one that was sent twice', () => {
    expect(compare({ ...sound, seen: ['gpt-1', 'gpt-2'] }).withoutReceipt).toEqual(['gpt-2'])
    expect(compare({ ...sound, seen: ['gpt-1', 'gpt-1'] }).sentTwice).toEqual(['gpt-1'])
  })

  it.each([
    ['of another record', { ...intent, unwrapId: 'unwrap-2', recordId: 'other' }],
    ['of a later time', { ...intent, unwrapId: 'unwrap-2', atMs: 2_001 }],
    ['that the KMS refused', { ...intent, unwrapId: 'unwrap-2', isRefused: true }],
    ['that a receipt has used up', intent],
  ])('finds a Decrypt whose only intent is one %s', (_, other) => {
    const decrypts = [decrypt, { ...decrypt, kmsRequestId: 'kms-2' }]
    expect(compare({ ...sound, intents: [intent, other], decrypts }).withoutIntent).toEqual(['kms-2'])
  })

  it('finds a receipt whose Decrypt or intent is not there', () => {
    expect(compare({ ...sound, decrypts: [] }).unfounded).toEqual(['gpt-1'])
    expect(compare({ ...sound, intents: [] }).unfounded).toEqual(['gpt-1'])
  })
})
