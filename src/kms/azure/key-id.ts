import type { WrapAlgorithm } from '#envelope/format-v1.ts'
import { KekFault } from '#kms/kek-fault.ts'
import { type AzureCloud, azureCloudNames, azureClouds } from './clouds.ts'

const KEY_ID_LENGTH_MAX = 512
/** 3 to 24 letters, digits and single hyphens, beginning with a letter and not ending with a hyphen. */
const STORE_NAME = /^(?=.{3,24}$)[a-z](?:-?[a-z0-9])*$/
const KEY_NAME = /^[a-z0-9-]{1,127}$/
const VERSION = /^[0-9a-f]{32}$/
const TENANT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * How a store wraps: RSA-OAEP-256 in a vault (the SDK does the other RSA paddings by itself, where no log sees
 * it), AES key wrap (RFC 3394) in a Managed HSM.
 */
const STORES = {
  vault: { wrapAlgorithm: 'azure-rsa-oaep-256', alg: 'RSA-OAEP-256', keyTypes: ['RSA', 'RSA-HSM'] },
  'managed-hsm': { wrapAlgorithm: 'azure-a256kw', alg: 'A256KW', keyTypes: ['oct-HSM'] },
} as const satisfies Record<string, { wrapAlgorithm: WrapAlgorithm; alg: string; keyTypes: string[] }>

/** One version of one key, taken apart. */
export type AzureKeyId = Readonly<{
  /** In lower case: Azure ignores the case of all of it, and one key must have one name. */
  id: string
  cloud: AzureCloud
  host: string
  name: string
  version: string
  /** What a token must be for: never taken from what a server says. */
  resource: string
  store: (typeof STORES)[keyof typeof STORES] & { kind: keyof typeof STORES }
}>

/**
 * Takes a key identifier apart and refuses all that could come to mean another key (no version: the latest, which
 * a rotation changes) or that would carry our token to a host that is not Azure's.
 *
 * @throws {KekFault} `misconfigured`, saying what to give instead.
 */
export function parseAzureKeyId(text: string, cloud: AzureCloud = 'public'): AzureKeyId {
  const lower = text.length <= KEY_ID_LENGTH_MAX ? text.toLowerCase() : ''
  const [, host, name, version] = /^https:\/\/([a-z0-9.-]+)\/keys\/([^/]+)(?:\/([^/]*))?$/.exec(lower) ?? []
  if (host === undefined || name === undefined || !KEY_NAME.test(name)) {
    throw misconfigured(
      'malformed-key-id',
      'Give the key identifier of one key version: https://VAULT.vault.azure.net/keys/NAME/VERSION.',
    )
  }
  const store = requireStore(host, cloud)
  if (version === undefined || version === '') {
    throw misconfigured(
      'version-missing',
      'Without a version the identifier means whatever version is the latest: give the one with the version at its end (az keyvault key show --query key.kid).',
    )
  }
  if (!VERSION.test(version)) {
    throw misconfigured(
      'malformed-key-id',
      'The version at the end of the key identifier must be 32 hex digits.',
    )
  }
  return { id: `https://${host}/keys/${name}/${version}`, host, name, version, ...store }
}

/** @returns in lower case. @throws {KekFault} `misconfigured` */
export function parseTenantId(text: string): string {
  const tenantId = text.toLowerCase()
  if (TENANT_ID.test(tenantId)) return tenantId
  throw misconfigured(
    'malformed-tenant-id',
    'Give the id of the tenant that the vault trusts (a GUID, not a domain): az account show --query tenantId.',
  )
}

function requireStore(host: string, cloud: AzureCloud): Pick<AzureKeyId, 'cloud' | 'resource' | 'store'> {
  const { name, suffix } = splitHost(host)
  for (const other of azureCloudNames) {
    const { vaultSuffix, managedHsmSuffix } = azureClouds[other]
    if ((suffix !== vaultSuffix && suffix !== managedHsmSuffix) || !STORE_NAME.test(name)) continue
    if (other !== cloud) {
      throw misconfigured(
        'other-cloud',
        `This key is in another Azure cloud (${other}) than the one that this Hasp works in (${cloud}).`,
      )
    }
    const kind = suffix === vaultSuffix ? 'vault' : 'managed-hsm'
    return { cloud, resource: `https://${suffix}`, store: { kind, ...STORES[kind] } }
  }
  const { vaultSuffix, managedHsmSuffix } = azureClouds[cloud]
  throw misconfigured(
    'unknown-host',
    `The host of the key identifier must be a vault’s (NAME.${vaultSuffix}) or a Managed HSM’s (NAME.${managedHsmSuffix}).`,
  )
}

function splitHost(host: string): { name: string; suffix: string } {
  const dot = host.indexOf('.')
  return { name: host.slice(0, Math.max(dot, 0)), suffix: host.slice(dot + 1) }
}

function misconfigured(code: string, message: string): KekFault {
  return new KekFault('misconfigured', code, message)
}
