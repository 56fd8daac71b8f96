import { describe, expect, it } from 'vitest'
import { type AssumedRole, RoleSession } from '#kms/aws/role-session.ts'
import { TokenSession, type VaultToken } from '#kms/azure/token-session.ts'
import { type AccessToken, RenewedToken } from '#kms/gcp/access-token.ts'
import { KekFault } from '#kms/kek-fault.ts'
import { EXPIRY_MARGIN_MS, type SessionTime } from '#kms/renewed-session.ts'

type Cloud<Issued, Held> = Readonly<{
  open: (
    request: () => Promise<Issued>,
    time: SessionTime,
  ) => Readonly<{ current: () => Promise<Held>; discard: (refused: Held) => void }>
  /** What the cloud answers, and what of it a call gets. */
  issue: (nowMs: number) => Readonly<{ issued: Issued; held: Held }>
  /** How long one is used at the most. */
  usableMs: number
}>

/** Of what each cloud issues below, whatever it says itself: when it is to be replaced. */
const LIFE_MS = 900_000
const revoked = () => new KekFault('revoked', 'refused', 'no')
const settled = () => new Promise((resolve) => setImmediate(resolve))

describeSession<AssumedRole, AssumedRole['credentials']>('a customer’s role in AWS', {
  open: (assumeRole, time) => new RoleSession({ assumeRole, ...time }),
  issue: (nowMs) => {
    const credentials = { accessKeyId: 'ASIA', secretAccessKey: 's', sessionToken: 't' }
    return { issued: { credentials, expiresAtMs: nowMs + LIFE_MS }, held: credentials }
  },
  usableMs: LIFE_MS - EXPIRY_MARGIN_MS,
})

describeSession<AccessToken, AccessToken>('a token for Google’s APIs', {
  open: (fetchToken, time) => new RenewedToken({ fetchToken, ...time }),
  issue: (nowMs) => {
    const issued = { token: 'token', expiresAtMs: nowMs + LIFE_MS }
    return { issued, held: issued }
  },
  usableMs: LIFE_MS - EXPIRY_MARGIN_MS,
})

describeSession<VaultToken, VaultToken>('a token for a tenant of Azure, which would take it for an hour', {
  open: (requestToken, time) => new TokenSession({ requestToken, tokenAgeMsMax: LIFE_MS, ...time }),
  issue: (nowMs) => {
    const issued = { token: 'token', expiresAtMs: nowMs + 3_600_000 }
    return { issued, held: issued }
  },
  usableMs: LIFE_MS,
})

function describeSession<Issued, Held>(name: string, cloud: Cloud<Issued, Held>): void {
  /** Over a cloud whose answers the test gives one by one, under a clock that the test moves. */
  const sessionUnderTest = () => {
    const clock = { nowMs: 1_000_000 }
    const calls: PromiseWithResolvers<Issued>[] = []
    const request = () => {
      const call = Promise.withResolvers<Issued>()
      calls.push(call)
      return call.promise
    }
    const session = cloud.open(request, { now: () => clock.nowMs, random: () => 0.5 })
    const answer = (index: number): Held => {
      const { issued, held } = cloud.issue(clock.nowMs)
      calls[index]?.resolve(issued)
      return held
    }
    const refuse = (index: number, fault: KekFault) => calls[index]?.reject(fault)
    return { session, clock, calls, answer, refuse }
  }
  const established = async () => {
    const test = sessionUnderTest()
    const first = test.session.current()
    test.answer(0)
    return { ...test, held: await first }
  }

  describe(`the session with a cloud: ${name}`, () => {
    it('is asked for once, however many callers wait', async () => {
      const { session, calls, answer } = sessionUnderTest()
      const waiting = Array.from({ length: 100 }, () => session.current())
      expect(calls).toHaveLength(1)
      const held = answer(0)
      expect((await Promise.all(waiting)).every((each) => each === held)).toBe(true)
    })

    it('is renewed ahead of its end, by one call, while the old one goes on serving', async () => {
      const { session, clock, calls, answer, held } = await established()
      clock.nowMs += LIFE_MS * 0.74
      expect(await session.current()).toBe(held)
      expect(calls).toHaveLength(1)
      clock.nowMs += LIFE_MS * 0.02
      const during = await Promise.all(Array.from({ length: 50 }, () => session.current()))
      expect(during.every((each) => each === held)).toBe(true)
      expect(calls).toHaveLength(2)
      const renewed = answer(1)
      await settled()
      expect(await session.current()).toBe(renewed)
    })

    it('is not used once it is too old, though the cloud would still honour it', async () => {
      const { session, clock, calls, answer } = await established()
      clock.nowMs += cloud.usableMs
      const next = session.current()
      expect(calls).toHaveLength(2)
      const renewed = answer(1)
      expect(await next).toBe(renewed)
    })

    it('goes on serving when a renewal fails, and the cloud is left alone for 5 s', async () => {
      const { session, clock, calls, refuse, held } = await established()
      clock.nowMs += LIFE_MS * 0.8
      await session.current()
      refuse(1, new KekFault('unreachable', 'timeout', 'late'))
      await settled()
      clock.nowMs += 4_999
      expect(await session.current()).toBe(held)
      expect(calls).toHaveLength(2)
      clock.nowMs += 1
      expect(await session.current()).toBe(held)
      expect(calls).toHaveLength(3)
    })

    it('ends at once when a renewal is refused as revoked, though the cloud would still honour it', async () => {
      const { session, clock, calls, refuse } = await established()
      clock.nowMs += LIFE_MS * 0.8
      await session.current()
      refuse(1, revoked())
      await settled()
      const next = session.current()
      expect(calls).toHaveLength(3)
      refuse(2, revoked())
      await expect(next).rejects.toMatchObject({ kind: 'revoked' })
    })

    it('comes back as soon as the cloud grants one again', async () => {
      const { session, answer, refuse } = sessionUnderTest()
      const refused = session.current()
      refuse(0, revoked())
      await expect(refused).rejects.toMatchObject({ kind: 'revoked' })
      const next = session.current()
      const held = answer(1)
      expect(await next).toBe(held)
    })

    it('is replaced when the cloud refused it, but a late refusal of an older one does not end the new one', async () => {
      const { session, calls, answer, held } = await established()
      session.discard(held)
      const next = session.current()
      answer(1)
      const renewed = await next
      session.discard(held)
      expect(await session.current()).toBe(renewed)
      expect(calls).toHaveLength(2)
    })
  })
}
