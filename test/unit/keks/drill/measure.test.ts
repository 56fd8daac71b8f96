import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { measureDrill, type CanarySample } from '#keks/drill/measure.ts'

const bound = { boundMs: 10_000, haspMs: 2_000 }
const marks = { withdrawnAtMs: 1_000, restoringAtMs: null, restoredAtMs: null }

function served(begunAtMs: number, answeredAtMs = begunAtMs + 5): CanarySample {
  const isReused = answeredAtMs < begunAtMs
  return {
    begunAtMs,
    outcome: 'served',
    answeredAtMs,
    isReused,
    unwrapId: `u${begunAtMs}`,
    kmsRequestId: `r${begunAtMs}`,
  }
}
function refused(begunAtMs: number): CanarySample {
  return { begunAtMs, outcome: 'refused', code: 'DisabledException', kmsRequestId: `r${begunAtMs}` }
}
function unanswered(begunAtMs: number): CanarySample {
  return { begunAtMs, outcome: 'unanswered', code: 'timeout', kmsRequestId: null }
}

describe('a drill', () => {
  it('measures from the withdrawal to the last success and the first refusal, and from the restoration to the next success', () => {
    const samples = [served(900), served(3_000), refused(3_250), refused(9_000), served(12_500)]
    expect(measureDrill(samples, { ...marks, restoredAtMs: 10_000 }, bound)).toMatchObject({
      served: 3,
      refused: 2,
      lastSuccess: { afterMs: 2_000, kmsRequestId: 'r3000', unwrapId: 'u3000' },
      firstRefusal: { afterMs: 2_250, code: 'DisabledException', kmsRequestId: 'r3250' },
      firstSuccessAgain: { afterMs: 2_500, kmsRequestId: 'r12500' },
      isMarkedLate: false,
      verdict: 'within',
    })
  })

  it('takes no success for late that comes while the KEK is being given back', () => {
    const samples = [served(900), refused(2_000), served(30_000), served(31_000)]
    const both = { ...marks, restoringAtMs: 29_000, restoredAtMs: 30_500 }
    expect(measureDrill(samples, both, bound)).toMatchObject({
      lastSuccess: { kmsRequestId: 'r900' },
      firstSuccessAgain: { kmsRequestId: 'r30000', afterMs: 0 },
      verdict: 'within',
    })
  })

  it('takes a success after a refusal for the last one: a server of the cloud that had not heard yet', () => {
    const { lastSuccess, firstRefusal } = measureDrill(
      [refused(2_000), served(2_250), refused(2_500)],
      marks,
      bound,
    )
    expect([firstRefusal?.afterMs, lastSuccess?.afterMs]).toEqual([1_000, 1_250])
  })

  it('is exceeded by a success later than the bound, whatever was refused before', () => {
    expect(measureDrill([refused(2_000), served(11_001)], marks, bound).verdict).toBe('exceeded')
    expect(measureDrill([refused(2_000), served(11_000)], marks, bound).verdict).toBe('within')
  })

  it('is exceeded by an answer that was held for longer than the mode allows, withdrawn or not', () => {
    const none = { ...marks, withdrawnAtMs: null }
    expect(measureDrill([served(5_000, 3_000)], none, bound)).toMatchObject({
      heldMsMax: 2_000,
      verdict: 'unknown',
    })
    expect(measureDrill([served(5_001, 3_000)], none, bound)).toMatchObject({
      heldMsMax: 2_001,
      verdict: 'exceeded',
    })
  })

  it('is not known to be in time before anything was refused', () => {
    expect(measureDrill([served(2_000)], marks, bound).verdict).toBe('unknown')
    expect(measureDrill([served(11_001)], marks, bound).verdict).toBe('exceeded')
    expect(measureDrill([], marks, bound).verdict).toBe('unknown')
  })

  it('takes no outage for a refusal', () => {
    const measure = measureDrill([served(900), unanswered(2_000)], marks, bound)
    expect(measure).toMatchObject({ unanswered: 1, firstRefusal: null, verdict: 'unknown' })
  })

  it('says so when it was marked after the refusal, and gives no span below nothing', () => {
    const measure = measureDrill([served(500), refused(750)], { ...marks, withdrawnAtMs: 1_751 }, bound)
    expect(measure).toMatchObject({
      isMarkedLate: true,
      lastSuccess: { afterMs: 0 },
      firstRefusal: { afterMs: 0 },
    })
  })

  it('comes out the same in whatever order its canaries ended', () => {
    const samples = [served(900), served(3_000, 2_500), refused(3_250), unanswered(4_000), served(12_500)]
    const both = { ...marks, restoredAtMs: 10_000 }
    const expected = measureDrill(samples, both, bound)
    fc.assert(
      fc.property(fc.shuffledSubarray(samples, { minLength: samples.length }), (shuffled) => {
        expect(measureDrill(shuffled, both, bound)).toEqual(expected)
      }),
    )
  })
})
