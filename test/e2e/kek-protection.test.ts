import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startGoogleCustomers, type GoogleCustomers } from '../support/google-customer.ts'
import { startHasp, type AnyJson, type RunningHasp } from '../support/running-hasp.ts'

const stack = new AsyncDisposableStack()
let google: GoogleCustomers
let hasp: RunningHasp
beforeAll(async () => {
  google = stack.use(await startGoogleCustomers())
  hasp = stack.use(await startHasp(google.env))
})
afterAll(() => stack.disposeAsync())

const made = ({ status, body }: { status: number; body: AnyJson }): AnyJson => {
  expect(status, JSON.stringify(body)).toBe(201)
  return body
}
const register = (protectionLevel: 'SOFTWARE' | 'HSM', rules: object) =>
  google.registerKek(async (access) => made(await hasp.api('POST', '/keks', { ...access, ...rules })), {
    protectionLevel,
  })
const verify = async (kek: AnyJson) => (await hasp.api('POST', `/keks/${kek.id}/verify`)).body
const read = async (kek: AnyJson) => (await hasp.api('GET', `/keks/${kek.id}`)).body

describe('a KEK of which an HSM is demanded', () => {
  it('is not activated, and takes no target, where its KMS keeps the key in software', async () => {
    const kek = await register('SOFTWARE', { name: 'soft', protectionRule: 'hsm' })
    expect(await verify(kek)).toMatchObject({
      isPassed: false,
      verdict: 'failed',
      checks: [
        {
          name: 'describe',
          isPassed: false,
          finding: expect.stringMatching(/kept in software.*demands an HSM: register a key/),
          fault: { kind: 'misconfigured', code: 'protection-too-low' },
        },
      ],
      kek: { state: 'pre-activation', protection: null, protectionRule: 'hsm' },
    })
    const stored = { name: 'openai', provider: 'openai', kekId: kek.id, credential: 'sk-under-software' }
    expect((await hasp.api('POST', '/api-targets', stored)).status).toBe(409)

    await hasp.api('PATCH', `/keks/${kek.id}`, { protectionRule: 'any' })
    expect(await verify(kek)).toMatchObject({
      isPassed: true,
      kek: { state: 'active', protection: 'software', protectionRule: 'any' },
    })
  })

  it('is told from the start what it is, and the demand is refused where it is not met', async () => {
    const kek = await register('SOFTWARE', { name: 'later' })
    expect(await read(kek)).toMatchObject({ protection: null, protectionRule: 'any' })
    await verify(kek)
    expect(await hasp.api('PATCH', `/keks/${kek.id}`, { protectionRule: 'hsm' })).toMatchObject({
      status: 409,
      body: { code: 'kek_protection_too_low', detail: expect.stringContaining('kept in software') },
    })
    expect(await read(kek)).toMatchObject({ protection: 'software', protectionRule: 'any' })
    const wrong = await hasp.api('PATCH', `/keks/${kek.id}`, { protectionRule: 'fips' })
    expect(wrong.status).toBe(400)
  })

  it('is activated with a key of an HSM, and gives its targets to no other kind', async () => {
    const from = await register('HSM', { name: 'hard', protectionRule: 'hsm' })
    expect(await verify(from)).toMatchObject({
      isPassed: true,
      kek: { state: 'active', protection: 'hsm', protectionRule: 'hsm' },
    })
    const soft = await register('SOFTWARE', { name: 'lower' })
    const hard = await register('HSM', { name: 'as-hard' })
    for (const kek of [soft, hard]) expect((await verify(kek)).isPassed).toBe(true)
    const move = (to: AnyJson) =>
      hasp.api('POST', '/lifecycle-jobs', { kind: 'move', fromKekId: from.id, toKekId: to.id })
    expect(await move(soft)).toMatchObject({ status: 409, body: { code: 'kek_protection_too_low' } })
    expect((await move(hard)).status).toBe(201)
  })

  it('has its rule and what it was found to be in the ledger', async () => {
    const kek = await register('HSM', { name: 'noted', protectionRule: 'hsm' })
    await verify(kek)
    const entries = (await hasp.api('GET', `/ledger?kekId=${kek.id}&limit=100`)).body.items
    const detailsOf = (kind: string) => entries.find((entry: AnyJson) => entry.kind === kind).details
    expect(detailsOf('kek.registered')).toMatchObject({ protectionRule: 'hsm' })
    expect(detailsOf('kek.activated')).toMatchObject({ protection: 'hsm' })
  })
})
