import { KekFault } from '#kms/kek-fault.ts'

export type GcpKeyName = Readonly<{
  /** `projects/…/locations/…/keyRings/…/cryptoKeys/…` as given. */
  name: string
  project: string
  location: string
  keyRing: string
  cryptoKey: string
}>

const NAME = /^projects\/([^/]+)\/locations\/([^/]+)\/keyRings\/([^/]+)\/cryptoKeys\/([^/]+)$/
/** A project id, also of the old kind that begins with a domain (`example.com:project`). */
const PROJECT_ID = /^(?:[a-z0-9.-]{1,63}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/
const LOCATION = /^[a-z][a-z0-9-]{0,62}$/
const KEY_PART = /^[a-zA-Z0-9_-]{1,63}$/
const WILDCARD = '-'
const NAME_LENGTH_MAX = 512

/**
 * Takes the resource name of one CryptoKey apart. Refuses what names no key, or could name another one than it
 * seems to: versions (Google picks the version, Hasp notes which), wildcards, project numbers (Google answers
 * with the id, and the answer must name the pinned key).
 *
 * @throws {KekFault} `misconfigured`, saying what to give instead.
 */
export function parseGcpKeyName(name: string): GcpKeyName {
  if (name.startsWith('//') || name.includes('://')) {
    throw misconfigured('malformed-key-name', 'Give the resource name without a host: projects/….')
  }
  if (/\/cryptoKeyVersions(\/|$)/.test(name)) {
    throw misconfigured(
      'key-version-refused',
      'Give the name of the key, not of a version: leave out /cryptoKeyVersions/…. Hasp notes which version served.',
    )
  }
  const [, project = '', location = '', keyRing = '', cryptoKey = ''] =
    (name.length <= NAME_LENGTH_MAX ? NAME.exec(name) : null) ?? []
  if (project === '') {
    throw misconfigured(
      'malformed-key-name',
      'Give the full resource name of a key: projects/…/locations/…/keyRings/…/cryptoKeys/….',
    )
  }
  if ([project, location, keyRing, cryptoKey].includes(WILDCARD)) {
    throw misconfigured('wildcard-refused', 'A wildcard ("-") names no key: write every part of the name.')
  }
  if (/^\d+$/.test(project)) {
    throw misconfigured('project-number-refused', 'Give the project’s id in the key name, not its number.')
  }
  if (!PROJECT_ID.test(project)) {
    throw misconfigured('malformed-key-name', 'The project in the key name is not a project id.')
  }
  if (!LOCATION.test(location)) {
    throw misconfigured('unknown-location', 'The location in the key name is not one of Google Cloud’s.')
  }
  if (!KEY_PART.test(keyRing) || !KEY_PART.test(cryptoKey)) {
    throw misconfigured(
      'malformed-key-name',
      'Key ring and key are 1 to 63 letters, digits, "_" and "-" each.',
    )
  }
  return { name, project, location, keyRing, cryptoKey }
}

const VERSION_NUMBER = /^[1-9]\d{0,18}$/

/** The number of the version that `versionName` names, if it is one of `keyName`. */
export function versionOf(keyName: string, versionName: string): string | undefined {
  const prefix = `${keyName}/cryptoKeyVersions/`
  const version = versionName.startsWith(prefix) ? versionName.slice(prefix.length) : ''
  return VERSION_NUMBER.test(version) ? version : undefined
}

function misconfigured(code: string, message: string): KekFault {
  return new KekFault('misconfigured', code, message)
}
