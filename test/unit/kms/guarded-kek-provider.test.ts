import { describe, expect, it } from 'vitest'
import type { EncryptionContext } from '#envelope/encryption-context.ts'
import { SecretBytes } from '#envelope/secret-bytes.ts'
import { GuardedKekProvider, type GuardOptions } from '#kms/guarded-kek-provider.ts'
import { KekFault, type KekFaultKind } from '#kms/kek-fault.ts'
import type { KekCallOptions, KekProvider, UnwrapResult } from '#kms/kek-provider.ts'

const CONTEXT: EncryptionContext = {
  org: 'o',
  record: 'r',
  purpose: 'credential',
  provider: 'openai',
  environment: 'test',
  kek: 'k',
  generation: 1,
}
const WRAPPED = { algorithm: 'aws-symmetric-default', kekRef: 'kek', bytes: Buffer.alloc(8) } as const

type Answer = (options: KekCallOptions) => Promise<UnwrapResult>

const served = (): UnwrapResult => ({
  dek: SecretBytes.alloc(32),
  kmsRequestId: 'r',
  materialId: '',
  durationMs: 0,
})
const serve: Answer = async () => served()
const hang: Answer = () => Promise.race<never>([])
const failWith =
  (kind: KekFaultKind, retryAfterMs?: number): Answer =>
  () =>
    Promise.reject(new KekFault(kind, kind, 'as the test wants', { retryAfterMs }))
const unreachable = failWith('unreachable')

/** A KMS that answers as told: by `answers` in order, then by `otherwise`. */
function guarded(options: Partial<GuardOptions> = {}) {
  const kms = { answers: [] as Answer[], otherwise: serve, calls: 0, nowMs: 0 }
  const provider: KekProvider = {
    kekRef: 'kek',
    wrap: () => Promise.reject(new Error('Not used here.')),
    describe: () => Promise.reject(new Error('Not used here.')),
    unwrap: (_wrapped, _context, callOptions = {}) => {
      kms.calls += 1
      return (kms.answers.shift() ?? kms.otherwise)(callOptions)
    },
  }
  const guard = new GuardedKekProvider(provider, {
    now: () => kms.nowMs,
    random: () => 0,
    ...options,
  })
  const unwrap = (signal?: AbortSignal) => guard.unwrap(WRAPPED, CONTEXT, { signal })
  const outcome = (signal?: AbortSignal) =>
    unwrap(signal).then(
      () => 'served',
      (error: unknown) => (error instanceof KekFault ? error.code : error),
    )
  return { kms, unwrap, outcome }
}

describe('a guarded KEK', () => {
  it.each(['unreachable', 'throttled'] as const)('tries once more after %s, and no more', async (kind) => {
    const { kms, outcome } = guarded()
    kms.answers = [failWith(kind)]
    expect(await outcome()).toBe('served')
    expect(kms.calls).toBe(2)
    kms.otherwise = failWith(kind)
    expect(await outcome()).toBe(kind)
    expect(kms.calls).toBe(4)
  })

  it.each(['revoked', 'tampered', 'misconfigured', 'ours'] as const)(
    'takes %s for an answer',
    async (kind) => {
      const { kms, outcome } = guarded()
      kms.otherwise = failWith(kind)
      for (let call = 1; call <= 20; call++) expect(await outcome()).toBe(kind)
      expect(kms.calls).toBe(20)
    },
  )

  it('waits as long as the KMS asks if that is short, and leaves a long wait to its caller', async () => {
    const { kms, outcome, unwrap } = guarded()
    kms.answers = [failWith('throttled', 80)]
    const startedAtMs = performance.now()
    expect(await outcome()).toBe('served')
    expect(performance.now() - startedAtMs).toBeGreaterThan(75)
    kms.answers = [failWith('throttled', 3_000)]
    await expect(unwrap()).rejects.toMatchObject({ kind: 'throttled', retryAfterMs: 3_000 })
    expect(kms.calls).toBe(3)
  })

  it('spreads its retry over the whole pause', async () => {
    const { kms, outcome } = guarded({ random: () => 0.9, retryPauseMsMax: 100 })
    kms.answers = [unreachable]
    const startedAtMs = performance.now()
    await outcome()
    expect(performance.now() - startedAtMs).toBeGreaterThan(85)
  })
})

describe('a guarded KEK whose KMS hangs', () => {
  it('is unreachable in time, though the KMS heeds no signal', async () => {
    const { kms, unwrap } = guarded({ attemptMsMax: 60 })
    kms.otherwise = hang
    const startedAtMs = performance.now()
    await expect(unwrap()).rejects.toMatchObject({ kind: 'unreachable', code: 'timeout' })
    expect(performance.now() - startedAtMs).toBeLessThan(1_000)
    expect(kms.calls).toBe(2)
  })

  it('tells the provider to stop', async () => {
    const { kms, outcome } = guarded({ attemptMsMax: 30 })
    const signals: (AbortSignal | undefined)[] = []
    kms.otherwise = ({ signal }) => {
      signals.push(signal)
      return hang({})
    }
    await outcome()
    expect(signals.map((signal) => signal?.aborted)).toEqual([true, true])
  })

  it('wipes a DEK that comes too late', async () => {
    const { kms, outcome } = guarded({ attemptMsMax: 20 })
    const late = Promise.withResolvers<UnwrapResult>()
    kms.answers = [() => late.promise]
    expect(await outcome()).toBe('served')
    const result = served()
    late.resolve(result)
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
    expect(() => result.dek.length).toThrow('disposed')
  })

  it('lets its caller give up at once, in flight, in the queue and between tries', async () => {
    const { kms, outcome } = guarded({ inFlightMax: 1, retryPauseMsMax: 10_000, random: () => 1 })
    kms.answers = [hang]
    const inFlight = new AbortController()
    const queued = new AbortController()
    const outcomes = [outcome(inFlight.signal), outcome(queued.signal), outcome(AbortSignal.abort())]
    queued.abort()
    inFlight.abort()
    expect(await Promise.all(outcomes)).toEqual(['aborted', 'aborted', 'aborted'])
    kms.answers = [unreachable]
    expect(await outcome(AbortSignal.timeout(30))).toBe('aborted')
    expect(await outcome()).toBe('served')
  })
})

describe('the circuit of a guarded KEK', () => {
  const options = {
    failuresMax: 4,
    windowMs: 1_000,
    openMs: 2_000,
    openMsMax: 5_000,
    random: () => 1,
    retryPauseMsMax: 0,
  }

  async function opened(more: Partial<GuardOptions> = {}) {
    const test = guarded({ ...options, ...more })
    test.kms.otherwise = unreachable
    expect([await test.outcome(), await test.outcome()]).toEqual(['unreachable', 'unreachable'])
    expect(test.kms.calls).toBe(4)
    return test
  }

  it('opens after failures in a row, and then answers at once how long to wait, without a call', async () => {
    const { kms, unwrap } = await opened()
    kms.nowMs += 500
    await expect(unwrap()).rejects.toMatchObject({
      kind: 'unreachable',
      code: 'circuit-open',
      retryAfterMs: 1_500,
    })
    expect(kms.calls).toBe(4)
  })

  it('lets one call through after the pause, and closes when that is answered', async () => {
    const { kms, outcome } = await opened()
    kms.nowMs += 2_000
    const probe = Promise.withResolvers<UnwrapResult>()
    kms.answers = [() => probe.promise]
    kms.otherwise = serve
    const probing = outcome()
    expect(await outcome()).toBe('circuit-open')
    probe.resolve(served())
    expect(await probing).toBe('served')
    expect(await outcome()).toBe('served')
    expect(kms.calls).toBe(6)
  })

  it('closes on a refusal too: the KMS answers again', async () => {
    const { kms, outcome } = await opened()
    kms.nowMs += 2_000
    kms.otherwise = failWith('revoked')
    expect([await outcome(), await outcome()]).toEqual(['revoked', 'revoked'])
  })

  it('stays open twice as long when the probe fails, up to the limit, and does not retry a probe', async () => {
    const { kms, outcome, unwrap } = await opened()
    for (const [pauseMs, nextMs] of [
      [2_000, 4_000],
      [4_000, 5_000],
      [5_000, 5_000],
    ] as const) {
      kms.nowMs += pauseMs - 1
      expect(await outcome()).toBe('circuit-open')
      kms.nowMs += 1
      const before = kms.calls
      expect(await outcome()).toBe('unreachable')
      expect(kms.calls).toBe(before + 1)
      await expect(unwrap()).rejects.toMatchObject({ retryAfterMs: nextMs })
    }
  })

  it('lets another probe when the caller of one gives up', async () => {
    const { kms, outcome } = await opened()
    kms.nowMs += 2_000
    kms.answers = [hang]
    kms.otherwise = serve
    expect(await outcome(AbortSignal.timeout(20))).toBe('aborted')
    expect(await outcome()).toBe('served')
  })

  it('jitters its pause', async () => {
    const { kms, unwrap } = await opened({ random: () => 0 })
    await expect(unwrap()).rejects.toMatchObject({ retryAfterMs: 1_000 })
    kms.nowMs += 1_000
    kms.otherwise = serve
    ;(await unwrap()).dek[Symbol.dispose]()
  })

  it('does not open for failures that are far apart, or with answers between', async () => {
    const { kms, outcome } = guarded(options)
    for (let round = 0; round < 5; round++) {
      kms.answers = [unreachable, unreachable]
      expect(await outcome()).toBe('unreachable')
      kms.nowMs += 1_001
    }
    for (let round = 0; round < 5; round++) {
      kms.answers = [unreachable, unreachable, failWith('throttled'), failWith('throttled')]
      expect([await outcome(), await outcome()]).toEqual(['unreachable', 'throttled'])
    }
  })

  it('is not closed by a late answer to a call from before it opened', async () => {
    const test = guarded({ ...options, failuresMax: 2 })
    const early = Promise.withResolvers<UnwrapResult>()
    test.kms.answers = [() => early.promise]
    test.kms.otherwise = unreachable
    const waiting = test.outcome()
    await test.outcome()
    early.resolve(served())
    expect(await waiting).toBe('served')
    expect(await test.outcome()).toBe('circuit-open')
  })
})

describe('the queue of a guarded KEK', () => {
  it('never lets more through than its limit, and serves in order of arrival', async () => {
    const { kms, unwrap } = guarded({ inFlightMax: 3, queueWaitMsMax: 5_000 })
    let inFlight = 0
    let inFlightMost = 0
    const order: number[] = []
    kms.otherwise = async () => {
      inFlightMost = Math.max(inFlightMost, ++inFlight)
      await new Promise((resolve) => {
        setTimeout(resolve, 2)
      })
      inFlight -= 1
      return served()
    }
    await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const { dek } = await unwrap()
        dek[Symbol.dispose]()
        order.push(index)
      }),
    )
    expect(inFlightMost).toBe(3)
    expect(order).toEqual(order.toSorted((a, b) => a - b))
  })

  it('refuses at once when it is full, and after a while when nobody leaves; neither opens the circuit', async () => {
    const { kms, outcome, unwrap } = guarded({
      inFlightMax: 1,
      queuedMax: 2,
      queueWaitMsMax: 50,
      failuresMax: 1,
    })
    const first = Promise.withResolvers<UnwrapResult>()
    kms.answers = [() => first.promise]
    const serving = outcome()
    const waiting = [outcome(), outcome()]
    await expect(unwrap()).rejects.toMatchObject({ kind: 'throttled', code: 'queue-full', retryAfterMs: 50 })
    expect(await Promise.all(waiting)).toEqual(['queue-wait', 'queue-wait'])
    first.resolve(served())
    expect(await serving).toBe('served')
    expect(await outcome()).toBe('served')
  })

  it('gives every place back, whatever becomes of the calls', async () => {
    const { kms, outcome } = guarded({
      inFlightMax: 2,
      attemptMsMax: 10,
      retryPauseMsMax: 0,
      failuresMax: 1_000,
    })
    kms.answers = [hang, unreachable, failWith('revoked'), failWith('throttled'), hang, hang]
    await Promise.all(Array.from({ length: 12 }, () => outcome()))
    expect(await Promise.all([outcome(), outcome()])).toEqual(['served', 'served'])
  })
})
