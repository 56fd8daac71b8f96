import { describe, expect, it } from 'vitest'
import { GcpClients } from '#kms/gcp/gcp-clients.ts'
import { federatedPrincipal, parseIdentityProviderName } from '#kms/gcp/identity-provider-name.ts'
import { parseGcpKeyName, versionOf } from '#kms/gcp/key-name.ts'
import { KekFault } from '#kms/kek-fault.ts'

const NAME = 'projects/acme-prod/locations/europe-west3/keyRings/ring/cryptoKeys/kek'

describe('the name of a KEK in Google Cloud KMS', () => {
  it.each([NAME, 'projects/example.com:acme-prod/locations/global/keyRings/R_1/cryptoKeys/K-1'])(
    'takes %s',
    (name) => {
      expect(parseGcpKeyName(name).name).toBe(name)
    },
  )

  it.each([
    [`${NAME}/cryptoKeyVersions/1`, 'key-version-refused', /leave out/],
    [`${NAME}/cryptoKeyVersions`, 'key-version-refused', /leave out/],
    [`//cloudkms.googleapis.com/${NAME}`, 'malformed-key-name', /without a host/],
    [`https://cloudkms.googleapis.com/v1/${NAME}`, 'malformed-key-name', /without a host/],
    [NAME.replace('acme-prod', '-'), 'wildcard-refused', /every part/],
    [NAME.replace('europe-west3', '-'), 'wildcard-refused', /every part/],
    [NAME.replace('acme-prod', '123456789012'), 'project-number-refused', /id/],
    [NAME.replace('acme-prod', 'Acme'), 'malformed-key-name', /project id/],
    [NAME.replace('europe-west3', 'Europe'), 'unknown-location', /location/],
    [NAME.replace('europe-west3', 'evil.example.com'), 'unknown-location', /location/],
    [NAME.replace('kek', 'k%2Fk'), 'malformed-key-name', /63/],
    [NAME.replace('/keyRings/ring', ''), 'malformed-key-name', /full resource name/],
    [`${NAME}/`, 'malformed-key-name', /full resource name/],
    [`${NAME}\n`, 'malformed-key-name', /63/],
    ['kek', 'malformed-key-name', /full resource name/],
    ['', 'malformed-key-name', /full resource name/],
    [`projects/${'a'.repeat(600)}/locations/global/keyRings/r/cryptoKeys/k`, 'malformed-key-name', /full/],
  ])('refuses %j as %s, saying what to change', (name, code, message) => {
    const fault = faultOf(() => parseGcpKeyName(name))
    expect(fault).toMatchObject({ kind: 'misconfigured', code })
    expect(fault.message).toMatch(message)
  })

  it('is not mixed up with another key’s version', () => {
    expect(versionOf(NAME, `${NAME}/cryptoKeyVersions/12`)).toBe('12')
    for (const other of [
      `${NAME}x/cryptoKeyVersions/1`,
      NAME,
      `${NAME}/cryptoKeyVersions/`,
      `${NAME}/cryptoKeyVersions/1/x`,
    ]) {
      expect(versionOf(NAME, other)).toBeUndefined()
    }
  })
})

describe('the host that a KEK’s calls go to', () => {
  const europe = parseGcpKeyName(NAME)
  const everywhere = parseGcpKeyName(NAME.replace('europe-west3', 'global'))

  it.each([
    [{}, europe, 'cloudkms.googleapis.com'],
    [{ isRegional: true }, europe, 'europe-west3-cloudkms.googleapis.com'],
    [{ isRegional: true }, everywhere, 'cloudkms.googleapis.com'],
    [{ universeDomain: 's3nsapis.fr' }, europe, 'cloudkms.s3nsapis.fr'],
    [{ kmsEndpoint: 'localhost:4707', isRegional: true }, europe, 'localhost:4707'],
  ])('is made of the operator’s settings %j and the location alone', async (deployment, keyName, host) => {
    await using clients = new GcpClients(deployment)
    expect(clients.kmsHost(keyName)).toBe(host)
  })
})

describe('the name of an identity provider', () => {
  const PROVIDER = 'projects/123456789012/locations/global/workloadIdentityPools/hasp-pool/providers/hasp'

  it('leads to the principal that the key is granted to', () => {
    expect(federatedPrincipal(parseIdentityProviderName(PROVIDER), '1042')).toBe(
      'principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/hasp-pool/subject/1042',
    )
  })

  it.each([
    `//iam.googleapis.com/${PROVIDER}`,
    PROVIDER.replace('123456789012', 'acme-prod'),
    PROVIDER.replace('/providers/hasp', ''),
    PROVIDER.replace('global', 'europe'),
    `${PROVIDER}\n`,
  ])('is refused as %j', (name) => {
    expect(faultOf(() => parseIdentityProviderName(name))).toMatchObject({
      code: 'malformed-identity-provider',
    })
  })
})

function faultOf(call: () => unknown): KekFault {
  try {
    call()
  } catch (error) {
    if (error instanceof KekFault) return error
    throw error
  }
  throw new Error('It was not refused.')
}
