/** The least role that wraps and unwraps: cryptoKeyVersions.useToEncrypt and useToDecrypt, no look at the key. */
export const ROLE = 'roles/cloudkms.cryptoKeyEncrypterDecrypter'

/** Whose tokens Hasp identifies itself with. */
export const ISSUER = 'https://accounts.google.com'

export const SERVICE = 'cloudkms.googleapis.com'

/** What has a project log every use of its keys: Google logs none unless told to. */
export const LOG_TYPES = ['DATA_READ', 'DATA_WRITE'] as const
