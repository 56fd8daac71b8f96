import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'

export type Claims = Readonly<Record<string, unknown>>

/** A key pair that signs tokens by RS256 (RFC 7518 §3.3), with the name under which its public half is published. */
export class TokenSigner {
  readonly kid: string
  readonly publicKey: KeyObject
  readonly #privateKey: KeyObject

  constructor(kid: string) {
    this.kid = kid
    const pair = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    })
    this.publicKey = createPublicKey(pair.publicKey)
    this.#privateKey = createPrivateKey(pair.privateKey)
  }

  sign(claims: Claims): string {
    const signed = `${encode({ typ: 'JWT', alg: 'RS256', kid: this.kid, x5t: this.kid })}.${encode(claims)}`
    return `${signed}.${sign('sha256', Buffer.from(signed), this.#privateKey).toString('base64url')}`
  }

  get jwk(): object {
    return { ...this.publicKey.export({ format: 'jwk' }), kid: this.kid, use: 'sig', alg: 'RS256' }
  }
}

/** What a token claims before anybody checked its signature; undefined for what is none. */
export function readClaims(token: string): Claims | undefined {
  const [header = '', payload = ''] = token.split('.')
  const alg = decode(header)?.['alg']
  return alg === 'RS256' ? decode(payload) : undefined
}

export function hasSignatureOf(token: string, publicKey: KeyObject): boolean {
  const at = token.lastIndexOf('.')
  const signature = Buffer.from(token.slice(at + 1), 'base64url')
  return verify('sha256', Buffer.from(token.slice(0, at)), publicKey, signature)
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function decode(part: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return isClaims(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isClaims(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
