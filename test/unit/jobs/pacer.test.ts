import { describe, expect, it } from 'vitest'
import { Pacer } from '#jobs/pacer.ts'

const never = new AbortController().signal

describe('the pace of a job', () => {
  it('is kept over many turns that are asked for at once', async () => {
    const pacer = new Pacer(100, never)
    const startedAt = performance.now()
    await Promise.all(Array.from({ length: 21 }, () => pacer.turn()))
    expect(performance.now() - startedAt).toBeGreaterThan(190)
  })

  it('does not make up for time in which nothing was to be done', async () => {
    const pacer = new Pacer(50, never)
    await pacer.turn()
    await new Promise((resolve) => setTimeout(resolve, 200))
    const startedAt = performance.now()
    for (let turn = 0; turn < 4; turn += 1) await pacer.turn()
    expect(performance.now() - startedAt).toBeGreaterThan(35)
  })

  it('stops for as long as a KMS asks, for everybody', async () => {
    const pacer = new Pacer(1000, never)
    pacer.pause(700)
    const startedAt = performance.now()
    await Promise.all([pacer.turn(), pacer.turn()])
    expect(performance.now() - startedAt).toBeGreaterThan(690)
  })

  it('stops longer each time, until something gets through', async () => {
    const pacer = new Pacer(1000, never)
    const pausedMs = async () => {
      pacer.pause()
      const startedAt = performance.now()
      await pacer.turn()
      return performance.now() - startedAt
    }
    const first = await pausedMs()
    expect(await pausedMs()).toBeGreaterThan(first * 1.5)
    pacer.succeed()
    expect(await pausedMs()).toBeLessThan(first * 1.5)
  })

  it('is not waited for once the job is to end', async () => {
    const ending = new AbortController()
    const pacer = new Pacer(1, ending.signal)
    pacer.pause(60_000)
    const waiting = pacer.turn()
    ending.abort(new Error('ended'))
    await expect(waiting).rejects.toThrow('ended')
  })
})
