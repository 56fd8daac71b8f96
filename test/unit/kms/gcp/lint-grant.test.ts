import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { GcpGrantLinter } from '#kms/gcp/lint-grant.ts'
import { OWNER_LABEL } from '#kms/gcp/owner-label.ts'
import { type EmulatedCustomer, ROLE, startEmulatedCustomer, type Shape } from './emulated-customer.ts'

const NONCE = 'hasp-01980f3e-7a00-7000-8000-000000000003'
let customer: EmulatedCustomer
beforeEach(async () => {
  customer = await startEmulatedCustomer()
})
afterEach(() => customer[Symbol.asyncDispose]())

const linterOf = (shape: Shape, keyName?: string) =>
  new GcpGrantLinter(customer.kekOf(shape, keyName), customer.clients)
/** Of the key as granted in this shape alone. */
const lint = (shape: Shape = 'federated') => {
  const other = customer.members[shape === 'federated' ? 'service-account' : 'federated']
  customer.control.removeBinding({ resource: customer.keyName, binding: { role: ROLE, members: [other] } })
  return linterOf(shape).lint()
}
const codesOf = async (shape?: Shape) => (await lint(shape)).findings.map(({ code }) => code)
const ringName = () => customer.keyName.replace(/\/cryptoKeys\/.*$/, '')

/** Grants more than the one role on the one key. */
function grant(on: 'key' | 'ring' | 'project', role: string, shape: Shape = 'federated'): void {
  const resource = { key: customer.keyName, ring: ringName(), project: 'projects/customer-one' }[on]
  customer.control.addBinding({ resource, binding: { role, members: [customer.members[shape]] } })
}
function grantPermissions(on: 'key' | 'ring' | 'project', ...permissions: string[]): void {
  const name = `projects/customer-one/roles/custom${Math.random().toString(36).slice(2)}`
  customer.control.createRole({ name, permissions })
  grant(on, name)
}

describe('the linter of a Google grant', () => {
  it('finds nothing where one role is granted on one key, and proves it by what IAM answers', async () => {
    const { findings, probes } = await lint()
    expect(findings).toEqual([])
    expect(probes.filter(({ outcome }) => outcome !== 'refused')).toEqual([])
    expect(probes.length).toBeGreaterThanOrEqual(20)
  })

  it.each([
    ['cloudkms.cryptoKeyVersions.destroy', 'key', 'gcp-destroy-version'],
    ['cloudkms.cryptoKeyVersions.update', 'key', 'gcp-change-version-state'],
    ['cloudkms.cryptoKeyVersions.restore', 'key', 'gcp-change-version-state'],
    ['cloudkms.cryptoKeyVersions.create', 'key', 'gcp-create-version'],
    ['cloudkms.cryptoKeys.update', 'key', 'gcp-update-key'],
    ['cloudkms.cryptoKeys.setIamPolicy', 'key', 'gcp-set-key-policy'],
    ['cloudkms.cryptoKeys.getIamPolicy', 'key', 'gcp-read-key-policy'],
    ['cloudkms.cryptoKeys.get', 'key', 'gcp-read-metadata'],
    ['cloudkms.cryptoKeys.create', 'ring', 'gcp-create-key'],
    ['cloudkms.cryptoKeys.list', 'ring', 'gcp-list-keys'],
    ['cloudkms.keyRings.setIamPolicy', 'ring', 'gcp-set-ring-policy'],
    ['cloudkms.keyRings.create', 'project', 'gcp-create-key-ring'],
    ['resourcemanager.projects.setIamPolicy', 'project', 'gcp-set-project-policy'],
    ['resourcemanager.projects.getIamPolicy', 'project', 'gcp-read-project-policy'],
  ] as const)('names %s on the %s as %s', async (permission, on, code) => {
    grantPermissions(on, permission)
    const { findings } = await lint()
    expect(findings).toMatchObject([{ code, severity: 'warning' }])
  })

  it('tells a role on the key ring from one on the project', async () => {
    grant('ring', 'roles/cloudkms.cryptoKeyEncrypterDecrypter')
    expect(await codesOf()).toEqual(['gcp-other-keys'])
    grant('project', 'roles/cloudkms.cryptoKeyEncrypterDecrypter')
    expect(await codesOf()).toEqual(['gcp-other-keys', 'gcp-grant-on-project'])
  })

  it('names everything of an owner of the project at once', async () => {
    grant('project', 'roles/owner')
    const codes = await codesOf()
    expect(new Set(codes).size).toBe(codes.length)
    expect(codes.length).toBeGreaterThanOrEqual(15)
  })

  it.each(['allUsers', 'allAuthenticatedUsers'])(
    'calls a key for %s dangerous, where it may see that',
    async (member) => {
      grantPermissions('key', 'cloudkms.cryptoKeys.getIamPolicy')
      const { control, keyName } = customer
      control.addBinding({ resource: keyName, binding: { role: 'roles/cloudkms.viewer', members: [member] } })
      const { findings } = await lint()
      expect(findings).toContainEqual(
        expect.objectContaining({ code: 'gcp-open-to-all', severity: 'dangerous' }),
      )
    },
  )

  it.each(['allUsers', 'allAuthenticatedUsers'])(
    'calls a key that %s may use dangerous, though it may not see that: it tries without the pool',
    async (member) => {
      const { control, keyName } = customer
      control.addBinding({ resource: keyName, binding: { role: ROLE, members: [member] } })
      const { findings, probes } = await lint()
      expect(findings).toMatchObject([{ code: 'gcp-open-beside-pool', severity: 'dangerous' }])
      expect(probes.filter(({ outcome }) => outcome === 'allowed')).toHaveLength(1)
    },
  )

  it('names a grant to Hasp’s service account that was left beside the pool', async () => {
    expect((await linterOf('federated').lint()).findings).toMatchObject([{ code: 'gcp-open-beside-pool' }])
  })

  it('says of a grant to the service account that it is weaker, and nothing else', async () => {
    expect((await lint('service-account')).findings).toMatchObject([
      { code: 'gcp-no-federation', severity: 'notice' },
    ])
  })

  it('does not count the right to read the label that proves the owner of a direct grant', async () => {
    const name = 'projects/customer-one/roles/haspReadsLabel'
    customer.control.createRole({ name, permissions: ['cloudkms.cryptoKeys.get'] })
    grant('key', name, 'service-account')
    expect(await codesOf('service-account')).toEqual(['gcp-no-federation'])
  })

  it('changes nothing: only reads stand in the log', async () => {
    customer.control.logDataAccess({ projectId: 'customer-one' })
    grant('project', 'roles/owner')
    await lint()
    const methods = new Set(
      customer.control.entries({ projectId: 'customer-one' }).map((entry) => entry.protoPayload.methodName),
    )
    expect(methods.size).toBeGreaterThan(0)
    for (const method of methods) expect(method).toMatch(/TestIamPermissions|GetIamPolicy|GetCryptoKey/)
  })

  it('is not a verdict where the pool does not let Hasp in', async () => {
    customer.control.deleteIdentityProvider({ name: customer.identityProvider })
    await expect(lint()).rejects.toMatchObject({ kind: 'revoked' })
  })
})

describe('the owner of a Google key', () => {
  it('is proven by the pool that lets Hasp in by the audience', async () => {
    const { proof } = await linterOf('federated').proveOwnership(NONCE)
    expect(proof).toContain('audience')
  })

  it('is proven without a pool by the label of the key', async () => {
    const keyName = customer.createKey('labelled', { labels: { [OWNER_LABEL]: NONCE } })
    const member = customer.members['service-account']
    customer.control.addBinding({
      resource: keyName,
      binding: { role: 'roles/cloudkms.viewer', members: [member] },
    })
    expect((await linterOf('service-account', keyName).proveOwnership(NONCE)).proof).toContain('label')
  })

  it.each([
    ['there is no label', {}, true],
    ['the label is another KEK’s', { [OWNER_LABEL]: 'hasp-another' }, true],
    ['Hasp may not read the label', { [OWNER_LABEL]: NONCE }, false],
  ])('is not proven without a pool where %s', async (_, labels, isReadable) => {
    const keyName = customer.createKey('labelled', { labels })
    const member = customer.members['service-account']
    if (isReadable)
      customer.control.addBinding({
        resource: keyName,
        binding: { role: 'roles/cloudkms.viewer', members: [member] },
      })
    await expect(linterOf('service-account', keyName).proveOwnership(NONCE)).rejects.toMatchObject({
      kind: 'misconfigured',
      code: 'ownership-not-proven',
    })
  })
})
