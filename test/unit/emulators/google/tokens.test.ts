import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { signJwt } from '#emulators/google/tokens/jwt.ts'
import { assertionOf, ENCRYPTER_DECRYPTER, exchange, redeem, startOneProject } from './one-project.ts'

describe('tokens', () => {
  let project: Awaited<ReturnType<typeof startOneProject>>
  beforeAll(async () => {
    project = await startOneProject()
  })
  afterAll(() => project[Symbol.asyncDispose]())

  const nowS = () => Math.floor(Date.now() / 1000)
  const providerName = (id: string) =>
    `projects/${project.projectNumber}/locations/global/workloadIdentityPools/pool-one/providers/${id}`
  const idToken = async (audience: string) =>
    (await redeem(project.emulator.url, assertionOf(project.account.keyFile, { target_audience: audience })))
      .body.id_token

  it('are given for an assertion that the account’s own key has signed', async () => {
    const { body, status } = await redeem(project.emulator.url, assertionOf(project.account.keyFile))
    expect(status).toBe(200)
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 3599 })
  })

  it.each([
    ['an expired one', { exp: 1, iat: 0 }, {}, /short-lived/],
    ['one that lives too long', { exp: nowS() + 90_000 }, {}, /short-lived/],
    ['one from the future', { iat: nowS() + 3_000 }, {}, /short-lived/],
    ['one for somebody else', { aud: 'https://example.com/token' }, {}, /audience/],
    ['one of nobody', { iss: 'nobody@acme-prod.iam.gserviceaccount.com' }, {}, /account not found/],
    ['one that names another algorithm', {}, { alg: 'none' }, /Signature/],
    ['one without a scope', { scope: '' }, {}, /scope/],
  ])('are refused for %s', async (_, claims, header, description) => {
    const reply = await redeem(project.emulator.url, assertionOf(project.account.keyFile, claims, header))
    expect(reply.status).toBe(400)
    expect(reply.body.error_description).toMatch(description)
  })

  it('are refused for an assertion that another key has signed, or that is none', async () => {
    const other = project.control.createServiceAccount({ projectId: 'acme-prod', name: 'other-one' })
    const forged = { ...other.keyFile, client_email: project.account.email }
    const reply = await redeem(project.emulator.url, assertionOf(forged))
    expect(reply.body.error_description).toBe('Invalid JWT Signature.')
    expect((await redeem(project.emulator.url, 'a.b')).body.error_description).toMatch(/Failed to parse/)
  })

  it('end after an hour, with their account, and when they are revoked', async () => {
    const rest = project.restAs(await project.strangerToken())
    const ask = async () =>
      (await rest('POST', `${project.keyName}:testIamPermissions`, { permissions: [] })).status
    expect(await ask()).toBe(200)
    project.control.setServiceAccountDisabled({ email: project.account.email, isDisabled: true })
    expect(await ask()).toBe(401)
    project.control.setServiceAccountDisabled({ email: project.account.email, isDisabled: false })
    expect(await ask()).toBe(200)
    project.control.advanceClock({ ms: 3_600_000 })
    expect(await ask()).toBe(401)
    const fresh = project.restAs(await project.strangerToken())
    project.control.revokeTokens()
    const { body } = await fresh('GET', project.keyName)
    expect(body.error).toMatchObject({
      status: 'UNAUTHENTICATED',
      details: [{ reason: 'ACCESS_TOKEN_EXPIRED' }],
    })
  })

  it('of Google’s for one audience are exchanged where a provider allows it, for the identity that the key is granted to', async () => {
    const name = providerName('google')
    project.control.createIdentityProvider({
      name,
      oidc: { issuerUri: 'https://accounts.google.com', allowedAudiences: ['audience-one'] },
      attributeCondition: `assertion.sub == "${project.account.uniqueId}"`,
    })
    const principal = `principal://iam.googleapis.com/${name.replace(/\/providers.*/, '')}/subject/${project.account.uniqueId}`
    project.control.addBinding({
      resource: project.keyName,
      binding: { role: ENCRYPTER_DECRYPTER, members: [principal] },
    })
    const { body } = await exchange(project.emulator.url, name, await idToken('audience-one'))
    const federated = project.restAs(body.access_token)
    expect((await federated('POST', `${project.keyName}:encrypt`, { plaintext: 'AAAA' })).status).toBe(200)
    const other = await exchange(project.emulator.url, name, await idToken('audience-two'))
    expect(other.body).toMatchObject({ error: 'invalid_grant' })
    expect(other.body.error_description).toContain('audience')
  })

  it('of an issuer with its own keys are exchanged under these, and refused by condition, issuer, signature and age', async () => {
    const name = providerName('own-issuer')
    const issuerUri = 'https://issuer.example.com'
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k1' }
    project.control.createIdentityProvider({
      name,
      oidc: { issuerUri, allowedAudiences: ['aud'], jwks: [jwk] },
      attributeCondition: "google.subject == 'hasp'",
    })
    const good = { iss: issuerUri, aud: 'aud', sub: 'hasp', iat: nowS(), exp: nowS() + 600 }
    const errorFor = async (claims: object, signer = privateKey) =>
      (await exchange(project.emulator.url, name, signJwt({ ...good, ...claims }, signer, 'k1'))).body.error
    expect(await errorFor({})).toBeUndefined()
    expect(await errorFor({ sub: 'another' })).toBe('unauthorized_client')
    expect(await errorFor({ iss: 'https://accounts.google.com' })).toBe('invalid_grant')
    expect(await errorFor({ exp: nowS() - 1000 })).toBe('invalid_grant')
    const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    expect(await errorFor({}, stranger)).toBe('invalid_grant')
    project.control.setIdentityProviderDisabled({ name, isDisabled: true })
    expect(await errorFor({})).toBe('invalid_target')
    project.control.deleteIdentityProvider({ name })
    expect(await errorFor({})).toBe('invalid_target')
  })

  it('are demanded by every method', async () => {
    const reply = await fetch(`${project.emulator.url}/v1/${project.keyName}`)
    expect(reply.status).toBe(401)
    await expect(project.grpcAs('nonsense').getCryptoKey({ name: project.keyName })).rejects.toMatchObject({
      code: 16,
    })
  })
})
