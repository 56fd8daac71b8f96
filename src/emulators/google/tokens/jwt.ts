import { sign, verify, type KeyObject } from 'node:crypto'

export type Claims = Readonly<Record<string, unknown>>
export type Jwt = Readonly<{ header: Claims; claims: Claims; signed: string; signature: Buffer }>

/** @returns undefined for what is no JWT at all (RFC 7519 §7.2) */
export function parseJwt(token: string): Jwt | undefined {
  const [header, claims, signature, ...rest] = token.split('.')
  if (header === undefined || claims === undefined || signature === undefined || rest.length > 0)
    return undefined
  const parsed = { header: parsePart(header), claims: parsePart(claims) }
  if (parsed.header === undefined || parsed.claims === undefined) return undefined
  return {
    header: parsed.header,
    claims: parsed.claims,
    signed: `${header}.${claims}`,
    signature: Buffer.from(signature, 'base64url'),
  }
}

/** RS256 alone: the algorithm is ours to choose, not the token's. */
export function isSignedBy(jwt: Jwt, publicKey: KeyObject): boolean {
  return jwt.header['alg'] === 'RS256' && verify('sha256', Buffer.from(jwt.signed), publicKey, jwt.signature)
}

export function signJwt(claims: Claims, privateKey: KeyObject, keyId: string): string {
  const signed = [{ alg: 'RS256', typ: 'JWT', kid: keyId }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`
}

function parsePart(part: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}
