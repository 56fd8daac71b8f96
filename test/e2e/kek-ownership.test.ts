import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createOrganisation } from '#access/create-organisation.ts'
import { startSurroundings, type Surroundings } from '../support/lending-hasp.ts'
import { callApi, startHasp, type AnyJson, type RunningHasp } from '../support/running-hasp.ts'

describe('a stranger who names somebody else’s key as their own', () => {
  let surroundings: Surroundings
  let hasp: RunningHasp
  let stranger: (method: string, path: string, body?: unknown) => Promise<{ status: number; body: AnyJson }>
  const register = () => {
    const { keyArn, roleArn } = surroundings
    return { name: 'kek of a stranger', provider: 'aws', keyArn, roleArn }
  }

  beforeAll(async () => {
    surroundings = await startSurroundings()
    hasp = await startHasp(surroundings.env, { aws: surroundings.aws })
    const { database: db, ring } = hasp.context
    const { token } = await createOrganisation(
      { db, ring, now: () => new Date() },
      { name: 'stranger', actor: 'operator' },
    )
    stranger = (method, path, body) => callApi(hasp.url, token, method, path, body)
  })
  afterAll(async () => {
    await hasp[Symbol.asyncDispose]()
    await surroundings[Symbol.asyncDispose]()
  })

  it('before its owner has granted it, gets no session, and so nothing that the key did', async () => {
    const owned = (await hasp.api('POST', '/keks', { ...register(), name: 'owned' })).body
    const { body: claimed } = await stranger('POST', '/keks', register())
    expect(claimed.access.externalId).not.toBe(owned.access.externalId)
    surroundings.grant(owned.access.externalId, hasp.orgId)
    const { body } = await stranger('POST', `/keks/${claimed.id}/verify`)
    expect(body).toMatchObject({ isPassed: false, verdict: 'failed', kek: { state: 'pre-activation' } })
    expect(body.checks[0].fault).toMatchObject({ kind: 'revoked', code: 'AccessDenied' })
    await endOf(owned, claimed)
  })

  it('is not told that a key is in use where its KMS does not let them in', async () => {
    const { owned, claimed } = await ownAndClaim('Acme production')
    const { status, body } = await stranger('POST', `/keks/${claimed.id}/verify`)
    expect([status, body.isPassed, body.verdict]).toEqual([200, false, 'failed'])
    for (const secret of ['Acme', 'claimed', owned.id, hasp.orgId])
      expect(JSON.stringify(body)).not.toContain(secret)
    await endOf(owned, claimed)
  })

  it('is refused a key in use even where a careless trust policy lets them in, and not told whose it is', async () => {
    const { owned, claimed } = await ownAndClaim('Acme again')
    const { control } = surroundings.emulator
    const principal = surroundings.env['HASP_AWS_PRINCIPAL_ARN']
    const anybody = { Effect: 'Allow', Principal: { AWS: principal }, Action: 'sts:AssumeRole' }
    control.putTrustPolicy({
      roleArn: surroundings.roleArn,
      trustPolicy: { Version: '2012-10-17', Statement: [anybody] },
    })
    const { status, body } = await stranger('POST', `/keks/${claimed.id}/verify`)
    expect([status, body.code]).toEqual([409, 'kek_already_claimed'])
    for (const secret of ['Acme', owned.id, hasp.orgId]) expect(JSON.stringify(body)).not.toContain(secret)
    expect((await hasp.api('GET', `/keks/${owned.id}`)).body.state).toBe('active')
    await endOf(owned, claimed)
  })

  /** A KEK in use, and a stranger's registration of the same key. */
  async function ownAndClaim(name: string): Promise<{ owned: AnyJson; claimed: AnyJson }> {
    const owned = (await hasp.api('POST', '/keks', { ...register(), name })).body
    surroundings.grant(owned.access.externalId, hasp.orgId)
    expect((await hasp.api('POST', `/keks/${owned.id}/verify`)).body.isPassed).toBe(true)
    return { owned, claimed: (await stranger('POST', '/keks', register())).body }
  }

  async function endOf(owned: AnyJson, claimed: AnyJson): Promise<void> {
    await stranger('POST', `/keks/${claimed.id}/retire`)
    await hasp.api('POST', `/keks/${owned.id}/retire`)
  }
})
