import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { callModel } from '../support/agent-calls.ts'
import { waitUntil } from '../support/data-dir.ts'
import { startLendingHasp } from '../support/lending-hasp.ts'
import { runCli, Seen } from '../support/run-cli.ts'

describe('a KEK in use, verified right after its owner took the right away', () => {
  const seen = new Seen()
  const hourMs = 3_600_000
  let lendingHasp: Awaited<ReturnType<typeof startLendingHasp>>
  const verify = () => {
    const { hasp } = lendingHasp
    return runCli(seen, ['kek', 'verify', 'main'], { HASP_URL: hasp.url, HASP_TOKEN: hasp.token })
  }
  const kek = async () => (await lendingHasp.hasp.api('GET', `/keks/${lendingHasp.lending.kekId}`)).body
  const setKeyState = (state: 'Enabled' | 'Disabled') => {
    const { emulator, keyArn } = lendingHasp.surroundings
    emulator.control.setKeyState({ keyId: keyArn, state })
  }
  const setProbe = (probeIntervalMs: number) =>
    lendingHasp.hasp.api('PATCH', `/keks/${lendingHasp.lending.kekId}`, { probeIntervalMs })
  const probedSince = (at: string | null) => waitUntil(async () => (await kek()).probe.lastProbeAt !== at)
  /** A new interval has a KEK probed at once; the probe after that is far ahead. */
  const withProbeFarAhead = async () => {
    const { probe, probeIntervalMs } = await kek()
    await setProbe(hourMs + (probeIntervalMs % 2) + 1)
    await probedSince(probe.lastProbeAt)
    expect((await kek()).probe.outcome).toBe('working')
  }

  beforeAll(async () => {
    lendingHasp = await startLendingHasp({ env: { HASP_SUSPENDED_PROBE_INTERVAL_MS: '100' } })
  })
  afterAll(() => lendingHasp[Symbol.asyncDispose]())
  beforeEach(async () => {
    setKeyState('Enabled')
    const { hasp, surroundings } = lendingHasp
    surroundings.grant((await kek()).access.externalId, hasp.orgId)
    await waitUntil(async () => (await kek()).state === 'active')
  })

  it('is said to be active until an unwrap is refused, which is tried at once and suspends it', async () => {
    await withProbeFarAhead()
    setKeyState('Disabled')
    const { code, stdout, stderr } = await verify()
    expect(code).toBe(1)
    expect(stdout).toContain('✗ describe')
    expect(stderr).toMatch(/active until an unwrap is\s+refused as well: Hasp tries one now/)
    expect(stderr).toContain('hasp kek show main')
    expect(stderr).not.toContain('stays active')
    await waitUntil(async () => (await kek()).state === 'suspended')
    expect((await verify()).stderr).toContain('stays suspended')
    const { hasp } = lendingHasp
    const shown = await runCli(seen, ['kek', 'show', 'main'], { HASP_URL: hasp.url, HASP_TOKEN: hasp.token })
    expect(shown.stderr).toMatch(/Give it back in your KMS[^]*kek verify main/)
  })

  it('stays in use where only wrapping was taken away, and unwraps are served', async () => {
    await withProbeFarAhead()
    const { lastProbeAt } = (await kek()).probe
    const { emulator, keyArn, roleArn } = lendingHasp.surroundings
    const Statement = [{ Effect: 'Allow', Action: ['kms:Decrypt', 'kms:DescribeKey'], Resource: keyArn }]
    emulator.control.putPolicies({ principalArn: roleArn, policies: [{ Version: '2012-10-17', Statement }] })
    expect((await verify()).stderr).toMatch(/Hasp\s+tries\s+one\s+now/)
    await probedSince(lastProbeAt)
    expect(await kek()).toMatchObject({ state: 'active', probe: { outcome: 'working' } })
  })

  it('is said to wait for the next request where its probe is off, which then is refused', async () => {
    await setProbe(0)
    setKeyState('Disabled')
    expect((await verify()).stderr).toMatch(
      /its\s+probe\s+is\s+off,\s+so\s+the\s+next\s+request\s+finds\s+out/,
    )
    expect((await kek()).state).toBe('active')
    const { hasp, lending } = lendingHasp
    const door = { url: hasp.url, virtualKey: lending.virtualKey }
    expect(await callModel(door, 'openai')).toMatchObject({ status: 403, code: 'kek_revoked' })
    expect((await kek()).state).toBe('suspended')
  })
})
