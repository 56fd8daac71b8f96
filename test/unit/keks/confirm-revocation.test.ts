import { describe, expect, it } from 'vitest'
import { confirmRevocation, SecondReadings } from '#keks/confirm-revocation.ts'
import { sealCanary } from '#keks/canary.ts'
import { KekFault, type KekFaultKind } from '#kms/kek-fault.ts'
import type { KekDescription, KekProvider } from '#kms/kek-provider.ts'
import { createLocalKek } from '#kms/local-kek-file.ts'
import { LocalKekProvider } from '#kms/local-kek-provider.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { localKek } from './local-kek.ts'

/** What the KMS answers the second reading with. */
type Answers = Readonly<{
  describe?: Partial<KekDescription> | KekFaultKind
  canary?: KekFaultKind
}>

async function startReading(answers: Answers) {
  const directory = await mkdtemp(join(tmpdir(), 'hasp-confirm-'))
  await createLocalKek(directory, 'kek')
  const real = new LocalKekProvider(directory, 'kek')
  const calls: string[] = []
  const provider: KekProvider = {
    kekRef: real.kekRef,
    wrap: (dek, context) => real.wrap(dek, context),
    unwrap: (wrapped, context) => {
      calls.push('unwrap')
      return answers.canary === undefined
        ? real.unwrap(wrapped, context)
        : Promise.reject(fault(answers.canary))
    },
    describe: async () => {
      calls.push('describe')
      if (typeof answers.describe === 'string') throw fault(answers.describe)
      return { ...(await real.describe()), ...answers.describe }
    },
  }
  const { canary } = await sealCanary(localKek, provider)
  const intents: string[] = []
  const deps = {
    providers: { open: () => provider },
    journal: {
      intend: async () => {
        intents.push('intended')
        return 'committed' as const
      },
      completed: () => {},
      refused: () => {},
    },
  }
  return {
    deps,
    kek: { ...localKek, canary },
    bare: localKek,
    calls,
    intents,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  }
}

function fault(kind: KekFaultKind, isAmbiguous = false): KekFault {
  return new KekFault(kind, kind, 'as the test wants it', { isAmbiguous })
}

const doubtful = fault('revoked', true)

describe('the second reading of a KEK that refused an unwrap', () => {
  it.each<[what: string, answers: Answers, reading: string]>([
    ['confirms where the KMS calls the key disabled', { describe: { isEnabled: false } }, 'confirmed'],
    ['confirms where the KMS refuses to describe the key as well', { describe: 'revoked' }, 'confirmed'],
    ['confirms where the canary is refused too', { canary: 'revoked' }, 'confirmed'],
    ['refutes where the canary opens: one record alone was denied', {}, 'refuted'],
    ['refutes where only describing is not granted', { describe: 'misconfigured' }, 'refuted'],
    [
      'leaves it open where the KMS can not be reached',
      { describe: 'unreachable', canary: 'unreachable' },
      'open',
    ],
    ['leaves it open where the KMS asks to slow down', { canary: 'throttled' }, 'open'],
    ['leaves it open where our own identity fails', { describe: 'ours', canary: 'ours' }, 'open'],
  ])('%s', async (_, answers, reading) => {
    await using read = await startReading(answers)
    expect(await confirmRevocation(read.deps, read.kek, doubtful)).toBe(reading)
  })

  it('is not made where the fault itself names the state of the key', async () => {
    await using read = await startReading({})
    expect(await confirmRevocation(read.deps, read.kek, fault('revoked'))).toBe('confirmed')
    expect(read.calls).toEqual([])
  })

  it('confirms a KEK that has nothing else to be read by', async () => {
    await using read = await startReading({})
    expect(await confirmRevocation(read.deps, read.bare, doubtful)).toBe('confirmed')
  })

  it('has its intent committed before the canary is unwrapped', async () => {
    await using read = await startReading({})
    await confirmRevocation(read.deps, read.kek, doubtful)
    expect(read.intents).toEqual(['intended'])
    expect(read.calls).toEqual(['describe', 'unwrap'])
  })

  it('is one for all who meet the refusal at the same time, and new for the next', async () => {
    await using read = await startReading({ canary: 'revoked' })
    const readings = new SecondReadings(read.deps)
    const all = await Promise.all(Array.from({ length: 20 }, () => readings.of(read.kek, doubtful)))
    expect(new Set(all)).toEqual(new Set(['confirmed']))
    expect(read.calls).toEqual(['describe', 'unwrap'])
    await readings.of(read.kek, doubtful)
    expect(read.calls).toHaveLength(4)
  })
})
