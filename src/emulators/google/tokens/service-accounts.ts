import { createPublicKey, generateKeyPairSync, randomBytes, randomInt, type KeyObject } from 'node:crypto'

export type ServiceAccount = {
  readonly email: string
  /** What tokens call `sub`: 21 digits. */
  readonly uniqueId: string
  readonly projectId: string
  readonly publicKeys: Map<string, KeyObject>
  isDisabled: boolean
}

/** The JSON key file that Google lets one download, for google-auth-library's `keyFile`. */
export type ServiceAccountKeyFile = Readonly<{
  type: 'service_account'
  project_id: string
  private_key_id: string
  private_key: string
  client_email: string
  client_id: string
  auth_uri: string
  token_uri: string
  auth_provider_x509_cert_url: string
  client_x509_cert_url: string
  universe_domain: string
}>

const TOKEN_URI = 'https://oauth2.googleapis.com/token'

/** The service accounts of all projects. */
export class ServiceAccounts {
  readonly #accounts = new Map<string, ServiceAccount>()

  add(projectId: string, name: string): ServiceAccount {
    const email = `${name}@${projectId}.iam.gserviceaccount.com`
    if (this.#accounts.has(email)) throw new Error(`${email} exists already.`)
    const uniqueId = `1${Array.from({ length: 20 }, () => randomInt(10)).join('')}`
    const account = {
      email,
      uniqueId,
      projectId,
      publicKeys: new Map<string, KeyObject>(),
      isDisabled: false,
    }
    this.#accounts.set(email, account)
    return account
  }

  byEmail(email: string): ServiceAccount | undefined {
    return this.#accounts.get(email)
  }

  remove(email: string): void {
    this.#accounts.delete(email)
  }
}

/** A new key of the account; its private half leaves the emulator here, once. */
export function createKeyFile(account: ServiceAccount): ServiceAccountKeyFile {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  const keyId = randomBytes(20).toString('hex')
  account.publicKeys.set(keyId, createPublicKey(publicKey))
  return {
    type: 'service_account',
    project_id: account.projectId,
    private_key_id: keyId,
    private_key: privateKey,
    client_email: account.email,
    client_id: account.uniqueId,
    auth_uri: 'https://accounts.google.com/o/oauth2/auth',
    token_uri: TOKEN_URI,
    auth_provider_x509_cert_url: 'https://www.googleapis.com/oauth2/v1/certs',
    client_x509_cert_url: `https://www.googleapis.com/robot/v1/metadata/x509/${encodeURIComponent(account.email)}`,
    universe_domain: 'googleapis.com',
  }
}
