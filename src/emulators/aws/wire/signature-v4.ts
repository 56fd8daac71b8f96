import { createHmac, createSecretKey, hash, timingSafeEqual, type KeyObject } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Credential, Caller } from '#emulators/aws/iam/principal.ts'
import { amzDate } from '#emulators/aws/service-dates.ts'

export type SignedRequest = Readonly<{ method: string; headers: IncomingHttpHeaders; body: Buffer }>

export type SignatureFaultKind = 'missing' | 'incomplete' | 'unknown-client' | 'mismatch' | 'expired-token'

/** Why a signature is refused; each service has its own name and status for it. */
export class SignatureFault extends Error {
  override readonly name = 'SignatureFault'
  readonly kind: SignatureFaultKind

  constructor(kind: SignatureFaultKind, message: string) {
    super(message)
    this.kind = kind
  }
}

export type VerifiedRequest = Readonly<{ caller: Caller; region: string }>

type Deps = Readonly<{
  findCredential: (accessKeyId: string) => Credential | undefined
  /** The clock that sessions expire by. */
  serviceNowMs: () => number
  /** The clock that signature dates are held against. */
  signatureNowMs: () => number
}>

const CLOCK_SKEW_MAX_MS = 5 * 60_000
const SIGNING_KEYS_MAX = 10_000
const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 +Credential=([A-Z0-9]{16,128})\/(\d{8})\/([a-z0-9-]{1,64})\/([a-z0-9-]{1,64})\/aws4_request, *SignedHeaders=([a-z0-9;_.-]{1,2048}), *Signature=([0-9a-f]{64})$/

/**
 * Verifies AWS Signature Version 4 as the service side does: scope, date, session token, then the signature over
 * the canonical request (IAM User Guide, "Create a signed AWS API request").
 */
export class SignatureVerifier {
  readonly #deps: Deps
  readonly #signingKeys = new Map<string, KeyObject>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** @throws {SignatureFault} */
  verify(request: SignedRequest, service: 'kms' | 'sts'): VerifiedRequest {
    const { headers } = request
    if (headers.authorization === undefined)
      throw new SignatureFault('missing', 'Missing Authentication Token')
    const parts = AUTHORIZATION.exec(headers.authorization)
    if (parts === null) throw new SignatureFault('incomplete', incompleteMessage(headers.authorization))
    const [, accessKeyId = '', day = '', region = '', scopeService = '', signedHeaders = '', signature = ''] =
      parts
    const signedAt = requestDate(headers)
    requireSignedHeaders(signedHeaders.split(';'), headers)
    if (scopeService !== service) mismatch(`Credential should be scoped to correct service: '${service}'. `)
    if (!signedAt.startsWith(day)) {
      mismatch(
        `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${day}' != '${signedAt.slice(0, 8)}', from '${signedAt}'.`,
      )
    }
    this.#checkSkew(signedAt)
    const credential = this.#liveCredential(accessKeyId, headers['x-amz-security-token'])
    const scope = `${day}/${region}/${service}/aws4_request`
    const stringToSign = `AWS4-HMAC-SHA256\n${signedAt}\n${scope}\n${hash('sha256', canonicalRequest(request, signedHeaders))}`
    const expected = createHmac('sha256', this.#signingKey(credential, day, region, service))
      .update(stringToSign)
      .digest()
    if (!timingSafeEqual(expected, Buffer.from(signature, 'hex'))) mismatch(MISMATCH)
    return { caller: credential.caller, region }
  }

  #checkSkew(signedAt: string): void {
    const now = this.#deps.signatureNowMs()
    const signedMs = parseAmzDate(signedAt)
    if (signedMs < now - CLOCK_SKEW_MAX_MS) {
      mismatch(
        `Signature expired: ${signedAt} is now earlier than ${amzDate(now - CLOCK_SKEW_MAX_MS)} (${amzDate(now)} - 5 min.)`,
      )
    }
    if (signedMs > now + CLOCK_SKEW_MAX_MS) {
      mismatch(
        `Signature not yet current: ${signedAt} is still later than ${amzDate(now + CLOCK_SKEW_MAX_MS)} (${amzDate(now)} + 5 min.)`,
      )
    }
  }

  #liveCredential(accessKeyId: string, token: string | string[] | undefined): Credential {
    const credential = this.#deps.findCredential(accessKeyId)
    if (credential === undefined || credential.sessionToken !== token) {
      throw new SignatureFault('unknown-client', 'The security token included in the request is invalid.')
    }
    if (credential.expiresAtMs !== undefined && credential.expiresAtMs <= this.#deps.serviceNowMs()) {
      throw new SignatureFault('expired-token', 'The security token included in the request is expired')
    }
    return credential
  }

  /** Derived once a day for each credential, region and service: four HMACs saved on every other request. */
  #signingKey(credential: Credential, day: string, region: string, service: string): KeyObject {
    const name = `${credential.accessKeyId}/${credential.secretAccessKey}/${day}/${region}/${service}`
    const known = this.#signingKeys.get(name)
    if (known !== undefined) return known
    const derived = [day, region, service, 'aws4_request'].reduce(
      (secret, part) => createHmac('sha256', secret).update(part).digest(),
      Buffer.from(`AWS4${credential.secretAccessKey}`),
    )
    const signingKey = createSecretKey(derived)
    if (this.#signingKeys.size >= SIGNING_KEYS_MAX) this.#signingKeys.clear()
    this.#signingKeys.set(name, signingKey)
    return signingKey
  }
}

const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.'

function mismatch(message: string): never {
  throw new SignatureFault('mismatch', message)
}

function incompleteMessage(authorization: string): string {
  const missing = ['Credential', 'Signature', 'SignedHeaders'].filter(
    (name) => !authorization.includes(`${name}=`),
  )
  const wanted = missing.map((name) => `Authorization header requires '${name}' parameter. `).join('')
  return wanted === '' ? 'Authorization header is not a valid AWS4-HMAC-SHA256 header.' : wanted.trimEnd()
}

function requestDate(headers: IncomingHttpHeaders): string {
  const date = headers['x-amz-date']
  if (typeof date === 'string' && /^\d{8}T\d{6}Z$/.test(date)) return date
  throw new SignatureFault(
    'incomplete',
    "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
  )
}

function parseAmzDate(text: string): number {
  return Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
}

/** Whatever decides the request's meaning must be under the signature. */
function requireSignedHeaders(signed: readonly string[], headers: IncomingHttpHeaders): void {
  const unsigned = ['host', 'x-amz-date', 'x-amz-target', 'x-amz-security-token'].find(
    (name) => headers[name] !== undefined && !signed.includes(name),
  )
  if (unsigned !== undefined) mismatch(`'${unsigned}' must be a 'SignedHeader' in the AWS Authorization.`)
}

function canonicalRequest(request: SignedRequest, signedHeaders: string): string {
  let lines = ''
  for (const name of signedHeaders.split(';')) {
    const value = request.headers[name]
    const text = Array.isArray(value) ? value.join(',') : (value ?? '')
    lines += `${name}:${text.trim().replace(/ {2,}/g, ' ')}\n`
  }
  return `${request.method}\n/\n\n${lines}\n${signedHeaders}\n${hash('sha256', request.body)}`
}
