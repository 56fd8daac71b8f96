import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EncryptionContext } from '#envelope/encryption-context.ts'
import type { KekAccessKind } from '#keks/access.ts'
import type { Kek } from '#keks/kek.ts'
import { runChecks } from '#keks/run-checks.ts'
import { KekFault, type KekFaultKind } from '#kms/kek-fault.ts'
import type { FindingSeverity, GrantLinter, GrantProbe } from '#kms/kek-grant-linter.ts'
import type { KekProvider } from '#kms/kek-provider.ts'
import { createLocalKek } from '#kms/local-kek-file.ts'
import { LocalKekProvider } from '#kms/local-kek-provider.ts'
import { localKek } from './local-kek.ts'

const kek: Kek = { ...localKek, state: 'pre-activation' }

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hasp-checks-'))
  await createLocalKek(directory, 'kek')
})
afterAll(() => rm(directory, { recursive: true }))

/** A KMS that can be careless, with a linter that finds what it is told to. */
function check(
  given: {
    /** Fields of the context that the KMS does not look at. */
    unbound?: readonly (keyof EncryptionContext)[]
    fault?: KekFaultKind
    severity?: FindingSeverity
    lintFault?: KekFaultKind
    probes?: readonly GrantProbe[]
    ownershipFault?: KekFaultKind
    requireFree?: () => Promise<void>
  } = {},
) {
  const real = new LocalKekProvider(directory, 'kek')
  const calls: string[] = []
  const bound = (context: EncryptionContext): EncryptionContext => ({
    ...context,
    ...(given.unbound?.includes('org') === true ? { org: kek.orgId } : {}),
    ...(given.unbound?.includes('record') === true ? { record: kek.id } : {}),
  })
  const provider: KekProvider = {
    kekRef: real.kekRef,
    wrap: (dek, context) => {
      calls.push('wrap')
      return real.wrap(dek, bound(context))
    },
    unwrap: (wrapped, context) => {
      calls.push('unwrap')
      return real.unwrap(wrapped, bound(context))
    },
    describe: () => (given.fault === undefined ? real.describe() : Promise.reject(faultOf(given.fault))),
  }
  const linter: GrantLinter = {
    least: 'Grant wrap and unwrap, and nothing else.',
    untried: 'Not tried: deleting.',
    lint: async ({ beforeUnwrap }) => {
      if (given.lintFault !== undefined) throw faultOf(given.lintFault)
      const end = await beforeUnwrap()
      end({ code: 'DryRunOperationException', kmsRequestId: 'dry-run' })
      const { severity } = given
      const findings =
        severity === undefined
          ? []
          : [{ code: 'test-surplus', severity, allows: 'Allows it.', fix: 'Fix it.' }]
      return { probes: given.probes ?? [], findings }
    },
    proveOwnership: async (nonce) => {
      calls.push(`owner of ${nonce}`)
      if (given.ownershipFault !== undefined) throw faultOf(given.ownershipFault)
      return { proof: 'It is theirs.', kmsRequestId: null }
    },
  }
  const kind: KekAccessKind = {
    kind: 'local',
    prepare: () => Promise.reject(new Error('Nothing is registered here.')),
    grantFor: () => ({ summary: '', documents: [] }),
    openLinter: () => linter,
  }
  const journal: string[] = []
  const outcome = runChecks(
    {
      providers: { open: () => provider },
      accessKinds: new Map([['local', kind]]),
      journal: {
        intend: async () => {
          journal.push('intended')
          return 'committed' as const
        },
        completed: () => void journal.push('completed'),
        refused: (_, { code }) => void journal.push(code),
      },
    },
    kek,
    given.requireFree ?? (async () => {}),
  )
  return { outcome, calls, journal }
}

function faultOf(kind: KekFaultKind): KekFault {
  return new KekFault(kind, kind, `The KMS is ${kind}.`)
}

describe('the checks of a grant', () => {
  it('wrap once, and unwrap under the right context and two wrong ones, each with its record', async () => {
    const { calls, journal, outcome } = check()
    expect((await outcome).verdict).toBe('least')
    expect(calls).toEqual([`owner of hasp-${kek.id}`, 'wrap', 'unwrap', 'unwrap', 'unwrap'])
    expect(journal.filter((entry) => entry === 'intended')).toHaveLength(4)
    expect(journal).toContain('DryRunOperationException')
  })

  it.each([['org'], ['record']] as const)('call a KMS that does not bind the %s dangerous', async (field) => {
    const { checks, verdict } = await check({ unbound: [field] }).outcome
    expect(verdict).toBe('dangerous')
    expect(checks.at(-1)).toMatchObject({ isPassed: false, fault: { code: 'context-not-bound' } })
  })

  it.each([
    ['dangerous', 'dangerous', false],
    ['warning', 'surplus', true],
    ['notice', 'least', true],
  ] as const)('turn a finding that is %s into the verdict %s', async (severity, verdict, isPassed) => {
    const outcome = await check({ severity }).outcome
    expect(outcome.verdict).toBe(verdict)
    expect(outcome.checks.every((one) => one.isPassed)).toBe(isPassed)
    expect(outcome.findings.map(({ code }) => code)).toEqual(['test-surplus'])
  })

  it('say once what the grant should be, where it allows more', async () => {
    const { checks } = await check({ severity: 'warning' }).outcome
    expect(checks.at(-1)?.finding).toBe(
      'Hasp may do more than wrap and unwrap: one finding. Grant wrap and unwrap, and nothing else.',
    )
  })

  it('claim no more than what was tried: what was not, and what had no clear answer, is named', async () => {
    const probe = { action: 'kms:Sign', answer: 'timeout', kmsRequestId: null }
    const probes = [
      { ...probe, outcome: 'refused' as const },
      { ...probe, outcome: 'unclear' as const },
    ]
    expect((await check({ probes }).outcome).checks.at(-1)?.finding).toBe(
      'Hasp may wrap and unwrap with the key, and do nothing else of what was tried. Neither allowed nor refused: 1 of 2 tries. Not tried: deleting.',
    )
  })

  it.each([
    ['unreachable', 'unknown'],
    ['throttled', 'unknown'],
    ['ours', 'unknown'],
    ['revoked', 'failed'],
    ['misconfigured', 'failed'],
  ] as const)('learn from a KMS that is %s: %s', async (kind, verdict) => {
    expect((await check({ fault: kind }).outcome).verdict).toBe(verdict)
    expect((await check({ lintFault: kind }).outcome).verdict).toBe(verdict)
  })

  it('touch no key that is not proven to be theirs', async () => {
    const { calls, outcome } = check({ ownershipFault: 'misconfigured' })
    const { canary, checks, verdict } = await outcome
    expect([verdict, canary, checks.length]).toEqual(['failed', undefined, 2])
    expect(calls).toEqual([`owner of hasp-${kek.id}`])
  })

  it('tell whether a key is in use only to its owner', async () => {
    const asked: string[] = []
    const requireFree = () => {
      asked.push('asked')
      return Promise.reject(new Error('It is in use.'))
    }
    await check({ ownershipFault: 'misconfigured', requireFree }).outcome
    expect(asked).toEqual([])
    await expect(check({ requireFree }).outcome).rejects.toThrow('It is in use.')
  })
})
