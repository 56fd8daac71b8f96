import { describe, expect, it } from 'vitest'
import { runControl } from '../../bench/residue/control.ts'
import { measureResidue } from '../../bench/residue/measure.ts'
import { credentialCopies, describeFinding } from '../../bench/residue/report.ts'

describe.runIf(process.platform === 'linux')(
  'the memory of a Hasp that was given and has lent credentials',
  () => {
    it('holds no copy of any, one second later, over TLS in strict mode', async () => {
      const measurement = await measureResidue({ mode: 'strict', upstream: 'TLS', requests: 200 })
      expect(measurement.lent).toBeGreaterThan(100)
      expect(measurement.afterLoad.bytesRead).toBeGreaterThan(50_000_000)
      expect(credentialCopies(measurement).map(describeFinding)).toEqual([])
    }, 120_000)

    it('is searched well: a process that holds its credential is found out in every encoding', async () => {
      const { copies, isPassed } = await runControl()
      expect(isPassed, JSON.stringify(copies)).toBe(true)
    }, 60_000)
  },
)
