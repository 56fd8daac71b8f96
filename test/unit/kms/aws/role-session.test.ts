import { describe, expect, it } from 'vitest'
import { type AssumedRole, RoleSession } from '#kms/aws/role-session.ts'
import { KekFault } from '#kms/kek-fault.ts'

const LIFE_MS = 900_000

const settled = () => new Promise((resolve) => setImmediate(resolve))

/** A session over an STS whose answers the test gives one by one, under a clock that the test moves. */
function sessionUnderTest() {
  const clock = { nowMs: 1_000_000 }
  const calls: PromiseWithResolvers<AssumedRole>[] = []
  const session = new RoleSession({
    assumeRole: () => {
      const call = Promise.withResolvers<AssumedRole>()
      calls.push(call)
      return call.promise
    },
    now: () => clock.nowMs,
    random: () => 0.5,
  })
  const answer = (index: number) => {
    const credentials = { accessKeyId: `ASIA${index}`, secretAccessKey: 's', sessionToken: 't' }
    calls[index]?.resolve({ credentials, expiresAtMs: clock.nowMs + LIFE_MS })
  }
  const refuse = (index: number, fault: KekFault) => calls[index]?.reject(fault)
  return { session, clock, calls, answer, refuse }
}

async function established() {
  const test = sessionUnderTest()
  const first = test.session.current()
  test.answer(0)
  return { ...test, credentials: await first }
}

describe('the session of a customer’s role', () => {
  it('is asked for once, however many callers wait', async () => {
    const { session, calls, answer } = sessionUnderTest()
    const waiting = Array.from({ length: 100 }, () => session.current())
    expect(calls).toHaveLength(1)
    answer(0)
    const all = await Promise.all(waiting)
    expect(new Set(all).size).toBe(1)
  })

  it('is renewed ahead of its end, by one call, while the old one goes on serving', async () => {
    const { session, clock, calls, answer, credentials } = await established()
    clock.nowMs += LIFE_MS * 0.74
    expect(await session.current()).toBe(credentials)
    expect(calls).toHaveLength(1)
    clock.nowMs += LIFE_MS * 0.02
    const during = await Promise.all(Array.from({ length: 50 }, () => session.current()))
    expect(during.every((each) => each === credentials)).toBe(true)
    expect(calls).toHaveLength(2)
    answer(1)
    await settled()
    expect((await session.current()).accessKeyId).toBe('ASIA1')
  })

  it('is not used within 30 s of its end', async () => {
    const { session, clock, answer } = await established()
    clock.nowMs += LIFE_MS - 30_000
    const next = session.current()
    answer(1)
    expect((await next).accessKeyId).toBe('ASIA1')
  })

  it('goes on serving when a refresh finds STS unreachable, and STS is left alone for 5 s', async () => {
    const { session, clock, calls, refuse, credentials } = await established()
    clock.nowMs += LIFE_MS * 0.8
    await session.current()
    refuse(1, new KekFault('unreachable', 'timeout', 'late'))
    await settled()
    clock.nowMs += 4_999
    expect(await session.current()).toBe(credentials)
    expect(calls).toHaveLength(2)
    clock.nowMs += 1
    expect(await session.current()).toBe(credentials)
    expect(calls).toHaveLength(3)
  })

  it('ends at once when a refresh is refused as revoked, though AWS would still honour it', async () => {
    const { session, clock, calls, refuse } = await established()
    clock.nowMs += LIFE_MS * 0.8
    await session.current()
    refuse(1, new KekFault('revoked', 'AccessDenied', 'no'))
    await settled()
    const next = session.current()
    expect(calls).toHaveLength(3)
    refuse(2, new KekFault('revoked', 'AccessDenied', 'no'))
    await expect(next).rejects.toMatchObject({ kind: 'revoked' })
  })

  it('comes back as soon as the role may be assumed again', async () => {
    const { session, answer, refuse } = sessionUnderTest()
    const refused = session.current()
    refuse(0, new KekFault('revoked', 'AccessDenied', 'no'))
    await expect(refused).rejects.toMatchObject({ kind: 'revoked' })
    const next = session.current()
    answer(1)
    expect((await next).accessKeyId).toBe('ASIA1')
  })

  it('is replaced when AWS refused it, but a late refusal of an older one does not end the new one', async () => {
    const { session, calls, answer, credentials } = await established()
    session.discard(credentials)
    const next = session.current()
    answer(1)
    const renewed = await next
    session.discard(credentials)
    expect(await session.current()).toBe(renewed)
    expect(calls).toHaveLength(2)
  })
})
