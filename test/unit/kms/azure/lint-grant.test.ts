import { describe, expect, it } from 'vitest'
import { AzureGrantLinter } from '#kms/azure/lint-grant.ts'
import { OWNER_TAG } from '#kms/azure/owner-tag.ts'
import { startEmulatedCustomer, type StoreKind } from './emulated-customer.ts'

const NONCE = 'hasp-01980f3e-7a00-7000-8000-000000000003'
const AREA = { vault: 'Microsoft.KeyVault/vaults', 'managed-hsm': 'Microsoft.KeyVault/managedHsm' } as const

async function startGranted(kind: StoreKind) {
  const customer = await startEmulatedCustomer(kind)
  const { clients, control, keyId, objectId, store, tenantId } = customer
  const begun: (string | undefined)[] = []
  return {
    ...customer,
    linterOf: (id = keyId) => new AzureGrantLinter({ keyId: id, tenantId }, clients),
    /** Grants more than the one role on the one key. */
    grantActions: (keyName: string | undefined, ...actions: string[]) => {
      const name = `custom-${actions.join('-').replaceAll('/', '-')}`
      control.createRole({ name, dataActions: actions.map((action) => `${AREA[kind]}/${action}`) })
      control.assignRole({ objectId, role: name, store: store.host, ...(keyName && { keyName }) })
    },
    grantRole: (role: string, keyName?: string) =>
      control.assignRole({ objectId, role, store: store.host, ...(keyName && { keyName }) }),
    begun,
    lint: () =>
      new AzureGrantLinter({ keyId, tenantId }, clients).lint({
        orgId: '01980f3e-7a00-7000-8000-000000000001',
        foreignOrgId: '01980f3e-7a00-7000-8000-00000000000f',
        beforeUnwrap: async () => (answer) => void begun.push(answer.kmsRequestId),
      }),
  }
}

describe.each(['vault', 'managed-hsm'] as const)('the linter of an Azure grant (%s)', (kind) => {
  const update = kind === 'vault' ? 'keys/update/action' : 'keys/write/action'
  const readAll = kind === 'vault' ? 'keys/read' : 'keys/read/action'

  const sign: [string, string, string[]] = ['keys/sign/action', 'kek', ['azure-sign']]

  it('finds nothing where one role is assigned on one key, and proves it by 403 alone', async () => {
    await using granted = await startGranted(kind)
    const { findings, probes } = await granted.lint()
    expect(findings).toEqual([])
    expect(probes.filter(({ outcome }) => outcome !== 'refused')).toEqual([])
    expect(probes.length).toBe(kind === 'vault' ? 11 : 7)
  })

  it.each<[action: string, keyName: string | undefined, codes: string[]]>([
    ['keys/encrypt/action', 'kek', ['azure-encrypt']],
    ['keys/decrypt/action', 'kek', ['azure-decrypt']],
    ...(kind === 'vault' ? [sign] : []),
    ['keys/backup/action', 'kek', ['azure-backup']],
    [update, 'kek', ['azure-update']],
    ['keys/unwrap/action', undefined, ['azure-other-keys']],
    [
      readAll,
      undefined,
      kind === 'vault' ? ['azure-list-keys', 'azure-list-deleted-keys'] : ['azure-list-keys'],
    ],
  ])('names %s on %s', async (action, keyName, codes) => {
    await using granted = await startGranted(kind)
    granted.grantActions(keyName, action)
    const { findings } = await granted.lint()
    expect(findings.map(({ code }) => code)).toEqual(codes)
    expect(findings.every(({ severity }) => severity === 'warning')).toBe(true)
  })

  it('changes nothing: the key, its versions and its tags are as they were', async () => {
    await using granted = await startGranted(kind)
    granted.grantActions(undefined, 'keys/*', 'keys/read/action', 'keys/write/action')
    const { findings } = await granted.lint()
    expect(findings.length).toBeGreaterThanOrEqual(6)
    const changes = granted.control.events().filter(({ operationName, resultSignature }) => {
      const isRead = /^Key(?:Get|List|Wrap|Unwrap|Encrypt|Decrypt|Sign|Backup)/.test(operationName)
      return !isRead && resultSignature === 'OK'
    })
    expect(changes).toEqual([])
    expect(await granted.provider().describe()).toMatchObject({ isEnabled: true })
  })

  it('announces the unwrap that it tries, and leaves every call in the log', async () => {
    await using granted = await startGranted(kind)
    const { probes } = await granted.lint()
    const unwraps = granted.control.events({ operationName: 'KeyUnwrap' })
    expect(granted.begun).toEqual(unwraps.map(({ correlationId }) => correlationId))
    const logged = new Set(granted.control.events().map(({ correlationId }) => correlationId))
    expect(probes.filter(({ kmsRequestId }) => !logged.has(kmsRequestId ?? ''))).toEqual([])
  })

  it('makes no finding of a vault behind a firewall, and no verdict either', async () => {
    await using granted = await startGranted(kind)
    await granted.provider().describe()
    granted.control.setNetwork({ store: granted.store.host, isOpen: false })
    await expect(granted.lint()).rejects.toMatchObject({ kind: 'unreachable', code: 'lint-unanswered' })
  })

  it('is not a verdict where consent was withdrawn', async () => {
    await using granted = await startGranted(kind)
    granted.control.withdrawConsent({ tenantId: granted.tenantId, clientId: granted.own.clientId })
    await expect(granted.lint()).rejects.toMatchObject({ kind: 'revoked' })
  })
})

describe('the linter of an Azure grant on a whole vault', () => {
  it.each([
    ['Key Vault Crypto Service Encryption User', ['azure-other-keys', 'azure-list-keys']],
    ['Key Vault Reader', ['azure-list-keys', 'azure-list-secrets', 'azure-list-certificates']],
    ['Key Vault Crypto Officer', ['azure-sign', 'azure-update', 'azure-other-keys', 'azure-list-keys']],
  ])('names what %s allows', async (role, codes) => {
    await using granted = await startGranted('vault')
    granted.grantRole(role)
    const found = (await granted.lint()).findings.map(({ code }) => code)
    expect(found).toEqual(expect.arrayContaining(codes))
  })

  it('names everything of an administrator', async () => {
    await using granted = await startGranted('vault')
    granted.grantRole('Key Vault Administrator')
    const { findings } = await granted.lint()
    expect(findings).toHaveLength(11)
  })
})

describe('the owner of an Azure key', () => {
  it('is proven by the tag of the key', async () => {
    await using granted = await startGranted('vault')
    const { keyId } = await granted.control.createKey({
      store: granted.store.host,
      name: 'tagged',
      tags: { [OWNER_TAG]: NONCE },
    })
    granted.grant('tagged')
    expect((await granted.linterOf(keyId).proveOwnership(NONCE)).proof).toContain('tag')
  })

  it.each([
    ['has no tag', {}],
    ['has another KEK’s', { [OWNER_TAG]: 'hasp-another' }],
  ])('is not proven where the key %s', async (_, tags) => {
    await using granted = await startGranted('vault')
    const { keyId } = await granted.control.createKey({ store: granted.store.host, name: 'tagged', tags })
    granted.grant('tagged')
    await expect(granted.linterOf(keyId).proveOwnership(NONCE)).rejects.toMatchObject({
      kind: 'misconfigured',
      code: 'ownership-not-proven',
    })
  })
})
