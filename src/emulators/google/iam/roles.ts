const use = ['cloudkms.cryptoKeyVersions.useToDecrypt', 'cloudkms.cryptoKeyVersions.useToEncrypt'] as const
const look = [
  'cloudkms.cryptoKeyVersions.get',
  'cloudkms.cryptoKeyVersions.list',
  'cloudkms.cryptoKeys.get',
  'cloudkms.cryptoKeys.getIamPolicy',
  'cloudkms.cryptoKeys.list',
  'cloudkms.keyRings.get',
  'cloudkms.keyRings.getIamPolicy',
  'cloudkms.keyRings.list',
] as const
const places = ['cloudkms.locations.get', 'cloudkms.locations.list', 'resourcemanager.projects.get'] as const
const manage = [
  'cloudkms.cryptoKeyVersions.create',
  'cloudkms.cryptoKeyVersions.destroy',
  'cloudkms.cryptoKeyVersions.restore',
  'cloudkms.cryptoKeyVersions.update',
  'cloudkms.cryptoKeys.create',
  'cloudkms.cryptoKeys.setIamPolicy',
  'cloudkms.cryptoKeys.update',
  'cloudkms.keyRings.create',
  'cloudkms.keyRings.setIamPolicy',
] as const
const project = ['resourcemanager.projects.getIamPolicy', 'resourcemanager.projects.setIamPolicy'] as const

/** Every permission that the emulator knows; testIamPermissions refuses the others, as Google does. */
export const permissions: ReadonlySet<string> = new Set([...use, ...look, ...places, ...manage, ...project])

/** What each role allows, of these permissions (IAM, "Cloud KMS roles"; basic roles as far as KMS goes). */
const roles: Readonly<Record<string, readonly string[]>> = {
  'roles/cloudkms.cryptoKeyEncrypterDecrypter': [...use, ...places],
  'roles/cloudkms.cryptoKeyEncrypter': ['cloudkms.cryptoKeyVersions.useToEncrypt', ...places],
  'roles/cloudkms.cryptoKeyDecrypter': ['cloudkms.cryptoKeyVersions.useToDecrypt', ...places],
  'roles/cloudkms.viewer': [...look, ...places],
  // Manages, and may not use: "Cloud KMS Admin" lacks both useTo… permissions.
  'roles/cloudkms.admin': [...look, ...manage, ...places],
  'roles/owner': [...permissions],
  'roles/editor': [
    ...use,
    ...look,
    ...places,
    'cloudkms.cryptoKeyVersions.create',
    'cloudkms.cryptoKeyVersions.update',
    'cloudkms.cryptoKeys.create',
    'cloudkms.cryptoKeys.update',
    'cloudkms.keyRings.create',
  ],
  'roles/viewer': [...look, ...places],
}

/** Roles by name, Google's and the customers' own. */
export class Roles {
  readonly #custom = new Map<string, readonly string[]>()

  /** `projects/<id>/roles/<name>`, with permissions that the emulator knows. @throws {Error} for another */
  addCustom(name: string, wanted: readonly string[]): void {
    if (!/^(projects|organizations)\/[^/]+\/roles\/[A-Za-z0-9_.]{3,64}$/.test(name)) {
      throw new Error(`A custom role is named projects/<id>/roles/<name>, not ${name}.`)
    }
    const unknown = wanted.filter((permission) => !permissions.has(permission))
    if (unknown.length > 0) throw new Error(`The emulator does not know ${unknown.join(', ')}.`)
    this.#custom.set(name, wanted)
  }

  /** @returns undefined for a role that does not exist */
  permissionsOf(role: string): readonly string[] | undefined {
    return this.#custom.get(role) ?? (Object.hasOwn(roles, role) ? roles[role] : undefined)
  }
}
