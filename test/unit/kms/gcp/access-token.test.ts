import { describe, expect, it } from 'vitest'
import { type AccessToken, RenewedToken } from '#kms/gcp/access-token.ts'
import { KekFault } from '#kms/kek-fault.ts'

const LIFE_MS = 3_600_000
const revoked = () => new KekFault('revoked', 'invalid_target', 'no')

const settled = () => new Promise((resolve) => setImmediate(resolve))

/** A token over a service whose answers the test gives one by one, under a clock that the test moves. */
function tokenUnderTest() {
  const clock = { nowMs: 1_000_000 }
  const calls: PromiseWithResolvers<AccessToken>[] = []
  const source = new RenewedToken({
    fetchToken: () => {
      const call = Promise.withResolvers<AccessToken>()
      calls.push(call)
      return call.promise
    },
    now: () => clock.nowMs,
    random: () => 0.5,
  })
  const answer = (index: number) =>
    calls[index]?.resolve({ token: `token-${index}`, expiresAtMs: clock.nowMs + LIFE_MS })
  const refuse = (index: number, fault: KekFault) => calls[index]?.reject(fault)
  return { source, clock, calls, answer, refuse }
}

async function established() {
  const test = tokenUnderTest()
  const first = test.source.current()
  test.answer(0)
  return { ...test, held: await first }
}

describe('a token for Google’s APIs', () => {
  it('is asked for once, however many callers wait', async () => {
    const { source, calls, answer } = tokenUnderTest()
    const waiting = Array.from({ length: 100 }, () => source.current())
    expect(calls).toHaveLength(1)
    answer(0)
    expect(new Set(await Promise.all(waiting)).size).toBe(1)
  })

  it('is renewed ahead of its end, by one request, while the old one goes on serving', async () => {
    const { source, clock, calls, answer, held } = await established()
    clock.nowMs += LIFE_MS * 0.74
    expect(await source.current()).toBe(held)
    expect(calls).toHaveLength(1)
    clock.nowMs += LIFE_MS * 0.02
    const during = await Promise.all(Array.from({ length: 50 }, () => source.current()))
    expect(during.every((each) => each === held)).toBe(true)
    expect(calls).toHaveLength(2)
    answer(1)
    await settled()
    expect((await source.current()).token).toBe('token-1')
  })

  it('is not used within 30 s of its end', async () => {
    const { source, clock, answer } = await established()
    clock.nowMs += LIFE_MS - 30_000
    const next = source.current()
    answer(1)
    expect((await next).token).toBe('token-1')
  })

  it('goes on serving when a renewal fails, and the service is left alone for 5 s', async () => {
    const { source, clock, calls, refuse, held } = await established()
    clock.nowMs += LIFE_MS * 0.8
    await source.current()
    refuse(1, new KekFault('unreachable', 'timeout', 'late'))
    await settled()
    clock.nowMs += 4_999
    expect(await source.current()).toBe(held)
    expect(calls).toHaveLength(2)
    clock.nowMs += 1
    expect(await source.current()).toBe(held)
    expect(calls).toHaveLength(3)
  })

  it('ends at once when a renewal is refused as revoked, though Google would still honour it', async () => {
    const { source, clock, calls, refuse } = await established()
    clock.nowMs += LIFE_MS * 0.8
    await source.current()
    refuse(1, revoked())
    await settled()
    const next = source.current()
    expect(calls).toHaveLength(3)
    refuse(2, revoked())
    await expect(next).rejects.toMatchObject({ kind: 'revoked' })
  })

  it('is replaced when Google refused it, but a late refusal of an older one does not end the new one', async () => {
    const { source, calls, answer, held } = await established()
    source.discard(held)
    const next = source.current()
    answer(1)
    const renewed = await next
    source.discard(held)
    expect(await source.current()).toBe(renewed)
    expect(calls).toHaveLength(2)
  })
})
