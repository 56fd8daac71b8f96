import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { builtInRoles } from '#emulators/azure/rbac/roles.ts'
import { startTwoTenants } from './two-tenants.ts'

const VAULT_RESOURCE = 'https://vault.azure.net'
const QUERY = '?api-version=7.4'

describe('who may do what in an emulated Azure', () => {
  let azure: Awaited<ReturnType<typeof startTwoTenants>>
  beforeEach(async () => {
    azure = await startTwoTenants()
  })
  afterEach(() => azure[Symbol.asyncDispose]())

  describe('the challenge and the token', () => {
    const read = (token: string | undefined, host = azure.vault.host) =>
      azure.raw(host, `/keys/kek${QUERY}`, {
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      })

    it('says where to get a token and for what, to whoever brings none', async () => {
      const { status, headers, text } = await read(undefined)
      expect(status).toBe(401)
      expect(headers['www-authenticate']).toBe(
        `Bearer authorization="https://login.microsoftonline.com/${azure.tenantId}", resource="${VAULT_RESOURCE}"`,
      )
      expect(text).toContain('AKV10000')
    })

    it('refuses a token of another tenant, for another resource, altered or expired', async () => {
      const { guest, owner, control, vault } = azure
      const home = control.createTenant()
      control.consent({ tenantId: home.tenantId, clientId: guest.clientId })
      const foreign = await azure.tokenFor(guest, VAULT_RESOURCE, home.tenantId)
      expect(await read(foreign)).toMatchObject({
        status: 401,
        text: expect.stringContaining('AKV10032'),
      })
      const forHsm = await azure.tokenFor(owner, 'https://managedhsm.azure.net')
      expect((await read(forHsm)).text).toContain('AKV10022')
      const good = await azure.tokenFor(owner, VAULT_RESOURCE)
      expect((await read(good)).status).toBe(404)
      const [header = '', claims = '', signature = ''] = good.split('.')
      const admin = JSON.parse(Buffer.from(claims, 'base64url').toString())
      const forged = Buffer.from(JSON.stringify({ ...admin, oid: guest.objectId })).toString('base64url')
      expect((await read(`${header}.${forged}.${signature}`)).status).toBe(401)
      control.advanceClock({ ms: 3_600_000 })
      expect(await read(good, vault.host)).toMatchObject({
        status: 401,
        text: expect.stringContaining('TokenExpired'),
      })
    })

    it('gives the claims by which a vault’s log names the caller', async () => {
      const token = await azure.tokenFor(azure.guest, VAULT_RESOURCE)
      const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
      expect(claims).toMatchObject({
        aud: VAULT_RESOURCE,
        iss: `https://sts.windows.net/${azure.tenantId}/`,
        tid: azure.tenantId,
        appid: azure.guest.clientId,
        oid: azure.guest.objectId,
      })
    })

    it('publishes the keys by which tokens are verified, and the endpoints of a tenant', async () => {
      const host = 'login.microsoftonline.com'
      const found = await azure.raw(host, `/${azure.tenantId}/v2.0/.well-known/openid-configuration`)
      const { jwks_uri: keysUrl } = JSON.parse(found.text)
      const keys = await azure.raw(host, new URL(keysUrl).pathname)
      expect(JSON.parse(keys.text).keys[0]).toMatchObject({ kty: 'RSA', use: 'sig' })
    })

    const tokenError = async (form: Record<string, string>, tenant = azure.tenantId) => {
      const { status, text } = await azure.raw('login.microsoftonline.com', `/${tenant}/oauth2/v2.0/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: azure.guest.clientId,
          client_secret: azure.guest.clientSecret,
          scope: `${VAULT_RESOURCE}/.default`,
          ...form,
        }).toString(),
      })
      const body = JSON.parse(text)
      return { status, code: body.error_codes?.[0], description: body.error_description }
    }

    it.each([
      ['a wrong secret', { client_secret: 'wrong' }, 7000215, 401],
      [
        'an application nobody consented to',
        { client_id: '11111111-2222-4333-8444-555555555555' },
        700016,
        400,
      ],
      ['an unknown resource', { scope: 'https://example.com/.default' }, 500011, 400],
      ['a scope that is none', { scope: 'openid' }, 70011, 400],
      ['another grant', { grant_type: 'password' }, 70003, 400],
    ])('answers %s by its AADSTS number', async (_, form, code, status) => {
      const error = await tokenError(form)
      expect(error).toMatchObject({ code, status })
      expect(error.description).toMatch(/^AADSTS\d+: .* Trace ID: .* Correlation ID: .* Timestamp: /)
    })

    it('answers unknown tenants, disabled principals and withdrawn consent by theirs', async () => {
      const { control, tenantId, guest } = azure
      expect(await tokenError({}, '11111111-2222-4333-8444-555555555555')).toMatchObject({ code: 90002 })
      control.setPrincipalEnabled({ tenantId, clientId: guest.clientId, isEnabled: false })
      expect(await tokenError({})).toMatchObject({ code: 7000112 })
      control.withdrawConsent({ tenantId, clientId: guest.clientId })
      expect(await tokenError({})).toMatchObject({ code: 700016 })
    })

    it('takes an assertion of a trusted issuer, and only with its signature', async () => {
      const { control, guest } = azure
      const issuer = 'https://cluster.example/'
      const subject = 'workload'
      const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
      control.createIssuer({ issuer })
      const { assertion } = control.issueAssertion({ issuer, subject })
      const withAssertion = (client_assertion: string) =>
        azure.raw('login.microsoftonline.com', `/${azure.tenantId}/oauth2/v2.0/token`, {
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: new URLSearchParams({
            grant_type: 'client_credentials',
            client_id: guest.clientId,
            client_assertion_type: type,
            client_assertion,
            scope: `${VAULT_RESOURCE}/.default`,
          }).toString(),
        })
      expect((await withAssertion(assertion)).text).toContain('AADSTS700211')
      control.addFederatedCredential({ clientId: guest.clientId, issuer, subject })
      expect((await withAssertion(assertion)).status).toBe(200)
      expect((await withAssertion(`${assertion.slice(0, -8)}AAAAAAAA`)).text).toContain('AADSTS700027')
    })
  })

  describe('roles', () => {
    const attempts = {
      read: (host: string) => azure.keysOf(azure.guest, host).getKey('kek'),
      list: async (host: string) => azure.keysOf(azure.guest, host).listPropertiesOfKeys().next(),
      create: (host: string) =>
        host === azure.hsm.host
          ? azure.keysOf(azure.guest, host).createOctKey('new', { hsm: true })
          : azure.keysOf(azure.guest, host).createRsaKey('new'),
      update: (host: string) => azure.keysOf(azure.guest, host).updateKeyProperties('kek', '', { tags: {} }),
      backup: (host: string) => azure.keysOf(azure.guest, host).backupKey('kek'),
      rotate: (host: string) => azure.keysOf(azure.guest, host).rotateKey('kek'),
      wrap: (host: string) => guestCrypto(host).wrapKey(algorithmOf(host), Buffer.alloc(64)),
      encrypt: (host: string) => {
        const plaintext = Buffer.alloc(8)
        return host === azure.hsm.host
          ? guestCrypto(host).encrypt({ algorithm: 'A256GCM', plaintext })
          : guestCrypto(host).encrypt({ algorithm: 'RSA-OAEP-256', plaintext })
      },
      // The last: nothing else works after it.
      delete: (host: string) => azure.keysOf(azure.guest, host).beginDeleteKey('kek'),
    }
    type Attempt = keyof typeof attempts
    const guestCrypto = (host: string) => azure.cryptoOf(azure.guest, `https://${host}/keys/kek`)
    const algorithmOf = (host: string) => (host === azure.hsm.host ? 'A256KW' : 'RSA-OAEP-256')

    const allowed = async (host: string): Promise<Attempt[]> => {
      const names: Attempt[] = []
      for (const name of Object.keys(attempts) as Attempt[]) {
        const outcome = await attempts[name](host).then(
          () => true,
          (error: { statusCode?: number }) => {
            if (error.statusCode === 403) return false
            throw error
          },
        )
        if (outcome) names.push(name)
      }
      return names
    }

    it.each([
      ['Key Vault Crypto Service Encryption User', ['read', 'wrap']],
      ['Key Vault Crypto User', ['read', 'update', 'backup', 'wrap', 'encrypt']],
      ['Key Vault Reader', ['read']],
    ])('%s on one key allows that and no more, and nothing on the vault', async (role, expected) => {
      const { control, guest, vault } = azure
      await control.createKey({ store: vault.host, name: 'kek' })
      expect(await allowed(vault.host)).toEqual([])
      control.assignRole({ objectId: guest.objectId, role, store: vault.host, keyName: 'kek' })
      expect(await allowed(vault.host)).toEqual(expected)
    })

    it('Key Vault Crypto Officer and Administrator on the vault allow everything with its keys', async () => {
      const { control, guest, vault } = azure
      for (const role of ['Key Vault Crypto Officer', 'Key Vault Administrator']) {
        await control.createKey({ store: vault.host, name: role.replaceAll(' ', '-') })
        const { assignmentId } = control.assignRole({ objectId: guest.objectId, role, store: vault.host })
        await azure.keysOf(guest).createRsaKey(`by-${role.length}`)
        await azure.keysOf(guest).listPropertiesOfKeys().next()
        control.removeRoleAssignment({ assignmentId })
        await expect(azure.keysOf(guest).createRsaKey('again')).rejects.toMatchObject({ statusCode: 403 })
      }
    })

    it('Managed HSM roles are the HSM’s own: Crypto Service Encryption User reads, wraps and unwraps', async () => {
      const { control, guest, hsm } = azure
      await control.createKey({ store: hsm.host, name: 'kek' })
      const role = 'Managed HSM Crypto Service Encryption User'
      control.assignRole({ objectId: guest.objectId, role, store: hsm.host, keyName: 'kek' })
      expect(await allowed(hsm.host)).toEqual(['read', 'wrap'])
      const officer = { objectId: guest.objectId, role: 'Managed HSM Crypto User', store: hsm.host }
      control.assignRole(officer)
      expect(await allowed(hsm.host)).toEqual(Object.keys(attempts))
    })

    it('bite after the delay of effect, both ways', async () => {
      const { control, guest, vault } = azure
      await control.createKey({ store: vault.host, name: 'kek' })
      control.setEffectDelay({ effectDelayMs: 600_000 })
      const role = 'Key Vault Crypto Service Encryption User'
      const { assignmentId } = control.assignRole({ objectId: guest.objectId, role, store: vault.host })
      const wrap = () => attempts.wrap(vault.host)
      await expect(wrap()).rejects.toMatchObject({ statusCode: 403 })
      control.advanceClock({ ms: 600_000 })
      await wrap()
      control.removeRoleAssignment({ assignmentId })
      await wrap()
      control.advanceClock({ ms: 600_000 })
      await expect(wrap()).rejects.toMatchObject({ statusCode: 403 })
    })

    it('know custom roles by their actions', async () => {
      const { control, guest, vault } = azure
      await control.createKey({ store: vault.host, name: 'kek' })
      control.createRole({ name: 'wraps', dataActions: ['Microsoft.KeyVault/vaults/keys/wrap/action'] })
      control.assignRole({ objectId: guest.objectId, role: 'wraps', store: vault.host, keyName: 'kek' })
      expect(await allowed(vault.host)).toEqual(['wrap'])
      const unknown = { objectId: guest.objectId, role: 'unheard of', store: vault.host }
      expect(() => control.assignRole(unknown)).toThrow('no role unheard of')
    })

    it('reach secrets and certificates only where the role says so', async () => {
      const { control, guest, vault } = azure
      const token = await azure.tokenFor(guest, VAULT_RESOURCE)
      const status = async (path: string) =>
        (await azure.raw(vault.host, path + QUERY, { headers: { authorization: `Bearer ${token}` } })).status
      const paths = ['/secrets', '/secrets/one', '/certificates']
      expect(await Promise.all(paths.map(status))).toEqual([403, 403, 403])
      control.assignRole({ objectId: guest.objectId, role: 'Key Vault Administrator', store: vault.host })
      expect(await Promise.all(paths.map(status))).toEqual([200, 404, 200])
    })

    it('have the ids that Azure gives its built-in roles', () => {
      const ids = new Map(builtInRoles.map(({ name, id }) => [name, id]))
      expect(ids.get('Key Vault Crypto Service Encryption User')).toBe('e147488a-f6f5-4113-8e2d-b22465e65bf6')
      expect(ids.get('Managed HSM Crypto Service Encryption User')).toBe(
        '33413926-3206-4cdd-b39a-83574fe37a17',
      )
    })
  })

  it('lets nobody through network rules but the addresses that they name', async () => {
    const { control, vault, owner } = azure
    await control.createKey({ store: vault.host, name: 'kek' })
    control.setNetwork({ store: vault.host, isOpen: false })
    await expect(azure.keysOf(owner).getKey('kek')).rejects.toMatchObject({
      statusCode: 403,
      details: { error: { innerError: { code: 'ForbiddenByFirewall' } } },
    })
    control.setNetwork({ store: vault.host, isOpen: false, addresses: ['127.0.0.1'] })
    await azure.keysOf(owner).getKey('kek')
  })
})
