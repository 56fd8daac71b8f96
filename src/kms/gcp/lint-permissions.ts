import type { GrantFinding } from '#kms/kek-grant-linter.ts'

type Surplus = Readonly<{ code: string; permissions: readonly string[] }> & Omit<GrantFinding, 'code'>

/** The whole of the grant: no finding repeats it. */
export const LEAST =
  'Grant roles/cloudkms.cryptoKeyEncrypterDecrypter on this one key, and nothing on its key ring or project.'

/** What IAM tells to nobody but who may read the policy. */
export const UNTRIED = 'Not seen: who else may use the key. Its IAM policy tells.'

/** What IAM answers for, of one resource: permissions that Hasp should not have, by what they would allow. */
export type Place = Readonly<{ name: 'key' | 'key ring' | 'project'; surplus: readonly Surplus[] }>

const cryptoKey: readonly Surplus[] = [
  {
    code: 'gcp-destroy-version',
    severity: 'warning',
    permissions: ['cloudkms.cryptoKeyVersions.destroy'],
    allows: 'Hasp may destroy versions of the key, and with them everything that is sealed under it.',
    fix: 'Take cloudkms.cryptoKeyVersions.destroy away.',
  },
  {
    code: 'gcp-change-version-state',
    severity: 'warning',
    permissions: ['cloudkms.cryptoKeyVersions.update', 'cloudkms.cryptoKeyVersions.restore'],
    allows:
      'Hasp may disable versions of the key, or enable them again after you disabled them to revoke it.',
    fix: 'Take cloudkms.cryptoKeyVersions.update and .restore away.',
  },
  {
    code: 'gcp-create-version',
    severity: 'warning',
    permissions: ['cloudkms.cryptoKeyVersions.create'],
    allows: 'Hasp may rotate the key.',
    fix: 'Take cloudkms.cryptoKeyVersions.create away.',
  },
  {
    code: 'gcp-update-key',
    severity: 'warning',
    permissions: ['cloudkms.cryptoKeys.update'],
    allows: 'Hasp may change the key: its primary version, its rotation, its labels.',
    fix: 'Take cloudkms.cryptoKeys.update away.',
  },
  {
    code: 'gcp-set-key-policy',
    severity: 'warning',
    permissions: ['cloudkms.cryptoKeys.setIamPolicy'],
    allows: 'Hasp may rewrite the IAM policy of the key, and give itself or anybody every right on it.',
    fix: 'Take cloudkms.cryptoKeys.setIamPolicy away.',
  },
  {
    code: 'gcp-read-key-policy',
    severity: 'warning',
    permissions: ['cloudkms.cryptoKeys.getIamPolicy'],
    allows: 'Hasp may see who else uses the key.',
    fix: 'Take cloudkms.cryptoKeys.getIamPolicy away.',
  },
  {
    code: 'gcp-read-metadata',
    severity: 'warning',
    permissions: [
      'cloudkms.cryptoKeys.get',
      'cloudkms.cryptoKeyVersions.get',
      'cloudkms.cryptoKeyVersions.list',
    ],
    allows: 'Hasp may read about the key and its versions, which it does not.',
    fix: 'Take roles/cloudkms.viewer and the like away.',
  },
]

const keyRing: readonly Surplus[] = [
  {
    code: 'gcp-other-keys',
    severity: 'warning',
    permissions: ['cloudkms.cryptoKeyVersions.useToDecrypt', 'cloudkms.cryptoKeyVersions.useToEncrypt'],
    allows: 'The role is granted on the key ring or above it: Hasp may use the other keys in it too.',
    fix: 'Remove the role from the key ring or project.',
  },
  {
    code: 'gcp-list-keys',
    severity: 'warning',
    permissions: ['cloudkms.cryptoKeys.list', 'cloudkms.keyRings.get'],
    allows: 'Hasp may list the keys of the key ring.',
    fix: 'Take cloudkms.cryptoKeys.list and cloudkms.keyRings.get away.',
  },
  {
    code: 'gcp-create-key',
    severity: 'warning',
    permissions: ['cloudkms.cryptoKeys.create'],
    allows: 'Hasp may make keys in the key ring.',
    fix: 'Take cloudkms.cryptoKeys.create away.',
  },
  {
    code: 'gcp-set-ring-policy',
    severity: 'warning',
    permissions: ['cloudkms.keyRings.setIamPolicy', 'cloudkms.keyRings.getIamPolicy'],
    allows: 'Hasp may read or rewrite the IAM policy of the key ring, which its keys inherit.',
    fix: 'Take cloudkms.keyRings.setIamPolicy and .getIamPolicy away.',
  },
]

const project: readonly Surplus[] = [
  {
    code: 'gcp-grant-on-project',
    severity: 'warning',
    permissions: ['cloudkms.cryptoKeyVersions.useToDecrypt', 'cloudkms.cryptoKeyVersions.useToEncrypt'],
    allows: 'The role is granted on the project: Hasp may use every key in it, those to come included.',
    fix: 'Remove the role from the project.',
  },
  {
    code: 'gcp-set-project-policy',
    severity: 'warning',
    permissions: ['resourcemanager.projects.setIamPolicy'],
    allows: 'Hasp may rewrite the IAM policy of the whole project.',
    fix: 'Take resourcemanager.projects.setIamPolicy away.',
  },
  {
    code: 'gcp-read-project-policy',
    severity: 'warning',
    permissions: ['resourcemanager.projects.getIamPolicy'],
    allows: 'Hasp may see who has which right in the project.',
    fix: 'Take resourcemanager.projects.getIamPolicy away.',
  },
  {
    code: 'gcp-create-key-ring',
    severity: 'warning',
    permissions: ['cloudkms.keyRings.create'],
    allows: 'Hasp may make key rings in the project.',
    fix: 'Take cloudkms.keyRings.create away.',
  },
]

/** From the key outwards. `resourcemanager.projects.get` and the locations are part of the least role, and not here. */
export const PLACES: Readonly<Record<Place['name'], Place>> = {
  key: { name: 'key', surplus: cryptoKey },
  'key ring': { name: 'key ring', surplus: keyRing },
  project: { name: 'project', surplus: project },
}

/** A grant without a pool of the customer's. */
export const NO_FEDERATION: GrantFinding = {
  code: 'gcp-no-federation',
  severity: 'notice',
  allows:
    'The key is granted to Hasp’s own service account: nothing but the additional data stands between you and other organisations of this Hasp.',
  fix: 'Prefer a workload identity pool of your own, and register the KEK with its provider.',
}

export const AUDIENCE_NOT_PINNED: GrantFinding = {
  code: 'gcp-audience-not-pinned',
  severity: 'dangerous',
  allows:
    'The provider of your pool accepts an audience that is not this KEK’s: another organisation of this Hasp could come in by it.',
  fix: 'Allow the one audience that Hasp made for this KEK in the provider, and no other.',
}

export const OPEN_TO_ALL: GrantFinding = {
  code: 'gcp-open-to-all',
  severity: 'dangerous',
  allows: 'The IAM policy of the key grants a role to allUsers or allAuthenticatedUsers: to anybody at all.',
  fix: 'Remove allUsers and allAuthenticatedUsers from the IAM policy of the key, its key ring and its project.',
}

/** What lets Hasp's own service account in lets everybody in, for all that can be seen from here. */
export const OPEN_BESIDE_POOL: GrantFinding = {
  code: 'gcp-open-beside-pool',
  severity: 'dangerous',
  allows:
    'The key can be used without your pool: its IAM policy lets in Hasp’s own service account as well, or anybody at all (allUsers, allAuthenticatedUsers).',
  fix: 'Name the principal of your pool and nobody else in the IAM policies of the key, its key ring and its project: not Hasp’s service account, allUsers or allAuthenticatedUsers.',
}

/** What the least role is for. */
export const USES = ['cloudkms.cryptoKeyVersions.useToDecrypt', 'cloudkms.cryptoKeyVersions.useToEncrypt']
