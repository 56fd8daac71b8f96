import { describe, expect, it } from 'vitest'
import { parseAzureKeyId, parseTenantId } from '#kms/azure/key-id.ts'
import { KekFault } from '#kms/kek-fault.ts'

const VERSION = '78deebed173b48e48f55abf87ed4cf71'

describe('reading a key identifier', () => {
  it.each([
    ['public', 'contoso.vault.azure.net', 'vault', 'https://vault.azure.net'],
    ['public', 'contoso-1.managedhsm.azure.net', 'managed-hsm', 'https://managedhsm.azure.net'],
    ['china', 'contoso.vault.azure.cn', 'vault', 'https://vault.azure.cn'],
    ['china', 'contoso.managedhsm.azure.cn', 'managed-hsm', 'https://managedhsm.azure.cn'],
    ['us-government', 'contoso.vault.usgovcloudapi.net', 'vault', 'https://vault.usgovcloudapi.net'],
    [
      'us-government',
      'contoso.managedhsm.usgovcloudapi.net',
      'managed-hsm',
      'https://managedhsm.usgovcloudapi.net',
    ],
  ] as const)('takes one version of a key of the %s cloud (%s)', (cloud, host, kind, resource) => {
    const keyId = parseAzureKeyId(`https://${host}/keys/kek/${VERSION}`, cloud)
    expect(keyId).toMatchObject({ host, name: 'kek', version: VERSION, resource, store: { kind } })
  })

  it('gives one name to one key, however its letters are cased', () => {
    const written = `https://Contoso.Vault.Azure.Net/keys/My-KEK/${VERSION.toUpperCase()}`
    expect(parseAzureKeyId(written).id).toBe(`https://contoso.vault.azure.net/keys/my-kek/${VERSION}`)
  })

  it.each([
    ['no version', 'https://contoso.vault.azure.net/keys/kek', 'version-missing', /show --query key\.kid/],
    [
      'an empty version',
      'https://contoso.vault.azure.net/keys/kek/',
      'version-missing',
      /version at its end/,
    ],
    [
      'a version of the wrong form',
      'https://contoso.vault.azure.net/keys/kek/latest',
      'malformed-key-id',
      /32 hex/,
    ],
    ['a name alone', 'kek', 'malformed-key-id', /NAME\/VERSION/],
    [
      'a secret’s identifier',
      `https://contoso.vault.azure.net/secrets/kek/${VERSION}`,
      'malformed-key-id',
      /NAME/,
    ],
    ['another scheme', `http://contoso.vault.azure.net/keys/kek/${VERSION}`, 'malformed-key-id', /https/],
    ['a port', `https://contoso.vault.azure.net:8443/keys/kek/${VERSION}`, 'malformed-key-id', /https/],
    [
      'a user',
      `https://contoso.vault.azure.net@evil.example/keys/kek/${VERSION}`,
      'malformed-key-id',
      /https/,
    ],
    ['a query', `https://contoso.vault.azure.net/keys/kek/${VERSION}?x=1`, 'malformed-key-id', /32 hex/],
    ['a fragment', `https://contoso.vault.azure.net/keys/kek/${VERSION}#x`, 'malformed-key-id', /32 hex/],
    ['a longer path', `https://contoso.vault.azure.net/keys/kek/${VERSION}/x`, 'malformed-key-id', /NAME/],
    ['a path that climbs', `https://contoso.vault.azure.net/keys/../${VERSION}`, 'malformed-key-id', /NAME/],
    ['another host', `https://vault.example.com/keys/kek/${VERSION}`, 'unknown-host', /vault\.azure\.net/],
    [
      'a host that only ends alike',
      `https://a.evilvault.azure.net/keys/k/${VERSION}`,
      'unknown-host',
      /vault’s/,
    ],
    ['a host below a vault', `https://a.b.vault.azure.net/keys/k/${VERSION}`, 'unknown-host', /vault’s/],
    ['the suffix alone', `https://vault.azure.net/keys/k/${VERSION}`, 'unknown-host', /vault’s/],
    [
      'a vault’s name that cannot be',
      `https://-a.vault.azure.net/keys/k/${VERSION}`,
      'unknown-host',
      /vault’s/,
    ],
    ['two hyphens', `https://a--b.vault.azure.net/keys/k/${VERSION}`, 'unknown-host', /vault’s/],
    ['another cloud', `https://contoso.vault.azure.cn/keys/k/${VERSION}`, 'other-cloud', /china.*public/],
    [
      'an endless text',
      `https://contoso.vault.azure.net/keys/${'k'.repeat(600)}/${VERSION}`,
      'malformed-key-id',
      /NAME/,
    ],
  ])('refuses %s and says what to give', (_, text, code, message) => {
    const fault = faultOf(() => parseAzureKeyId(text))
    expect(fault).toMatchObject({ kind: 'misconfigured', code })
    expect(fault.message).toMatch(message)
  })

  it('takes a tenant by its id alone', () => {
    const tenantId = '0E6A1C3E-7c0a-4b0e-9d3c-3a1f5b2c4d6e'
    expect(parseTenantId(tenantId)).toBe(tenantId.toLowerCase())
    for (const bad of ['contoso.onmicrosoft.com', 'common', 'organizations', '', `${tenantId}/..`]) {
      expect(faultOf(() => parseTenantId(bad)).code).toBe('malformed-tenant-id')
    }
  })
})

function faultOf(run: () => unknown): KekFault {
  try {
    run()
  } catch (error) {
    if (error instanceof KekFault) return error
  }
  throw new Error('It had to be refused.')
}
