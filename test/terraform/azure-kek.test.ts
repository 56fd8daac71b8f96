import { describe, expect, it } from 'vitest'
import { AzureKekProvider } from '#kms/azure/azure-kek-provider.ts'
import { azureGrantDocuments } from '#kms/azure/grant-documents.ts'
import { parseAzureKeyId } from '#kms/azure/key-id.ts'
import { AzureGrantLinter } from '#kms/azure/lint-grant.ts'
import { refusalOf, renderModule } from '../support/terraform.ts'
import { startConsentedTenant } from '../unit/kms/azure/emulated-customer.ts'
import { CONTEXT, isServing } from '../support/record-context.ts'

const NONCE = 'hasp-01980f3e-7a00-7000-8000-000000000003'

/** An emulated Azure in which Terraform's own output is all that was granted. */
async function startWithRenderedGrant(kind: 'vault' | 'managed-hsm') {
  const { clientsOf, control, emulator, objectId, own, store, tenantId } = await startConsentedTenant(kind)
  const rendered = await renderModule('azure-kek/grant', { store: kind, key_name: 'kek', owner_nonce: NONCE })
  const { keyId } = await control.createKey({
    store: store.host,
    name: 'kek',
    keyType: rendered['key_type'],
    operations: rendered['key_operations'],
    tags: rendered['tags'],
  })
  control.assignRole({
    objectId,
    role: rendered['role_definition_id'],
    store: store.host,
    keyName: rendered['scope'].replace('/keys/', ''),
  })
  const clients = clientsOf()
  const clientId = own.clientId
  return {
    rendered,
    grant: azureGrantDocuments({ keyId: parseAzureKeyId(keyId), tenantId, clientId, ownerNonce: NONCE }),
    provider: new AzureKekProvider({ keyId, tenantId }, clients),
    linter: new AzureGrantLinter({ keyId, tenantId }, clients),
    async [Symbol.asyncDispose]() {
      await clients[Symbol.asyncDispose]()
      await emulator.stop()
    },
  }
}

describe.each(['vault', 'managed-hsm'] as const)('the grant that terraform/azure-kek makes (%s)', (kind) => {
  it('lets exactly our own calls pass, and nothing that the linter knows', async () => {
    await using azure = await startWithRenderedGrant(kind)
    expect(await isServing(azure.provider)).toBe(true)
    await azure.linter.proveOwnership(NONCE)
    const { findings, probes } = await azure.linter.lint({
      orgId: CONTEXT.org,
      foreignOrgId: CONTEXT.record,
      beforeUnwrap: async () => () => {},
    })
    expect(findings).toEqual([])
    expect(probes.filter(({ outcome }) => outcome !== 'refused')).toEqual([])
  })

  it('is the same as what Hasp prints', async () => {
    await using azure = await startWithRenderedGrant(kind)
    const bodyOf = (title: string) =>
      JSON.parse(azure.grant.documents.find((document) => document.title === title)?.body ?? '')
    expect(bodyOf('Role assignment').roleName).toBe(azure.rendered['role_name'])
    expect(bodyOf('Role assignment').roleDefinitionId).toContain(azure.rendered['role_definition_id'])
    expect(bodyOf('Role assignment').scope.endsWith(azure.rendered['scope'])).toBe(true)
    expect(bodyOf('Tag of the key')).toEqual(azure.rendered['tags'])
  })
})

it.each([
  ['store', 'storage', 'vault or managed-hsm'],
  ['key_name', 'https://customer.vault.azure.net/keys/kek', 'not an identifier'],
  ['owner_nonce', 'mine', 'made for this KEK'],
])('terraform/azure-kek makes no grant of a %s such as %s', async (name, value, sentence) => {
  const good = { store: 'vault', key_name: 'kek' }
  expect(await refusalOf('azure-kek/grant', { ...good, [name]: value })).toContain(sentence)
})
