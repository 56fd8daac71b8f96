import { createHash, createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import {
  ALGORITHM_IDENTIFIER,
  createScope,
  getCanonicalHeaders,
  getSigningKey,
  SignatureV4Base,
} from '@smithy/signature-v4'
import type { AwsCredentials } from './aws-credentials.ts'
import { NodeSha256 } from './node-sha256.ts'

const SERVICE = 'kms'

type DerivedKey = Readonly<{ date: string; signing: KeyObject }>

/**
 * Signs a POST to KMS with AWS Signature Version 4. Canonical form and key derivation are the AWS library's own;
 * ours is only to remember the derived key with the session it belongs to, where the library's memory is
 * process-wide, holds 50 sessions and is looked up by two HMACs.
 */
export class KmsRequestSigner extends SignatureV4Base {
  readonly #region: string
  readonly #host: string
  readonly #derived = new WeakMap<AwsCredentials, DerivedKey>()

  constructor(region: string, host: string) {
    super({ service: SERVICE, region, sha256: NodeSha256, credentials: neverAsked })
    this.#region = region
    this.#host = host
  }

  /** The headers that make `body` a signed call of `target` (`TrentService.Decrypt`). */
  async sign(
    target: string,
    body: Buffer,
    credentials: AwsCredentials,
    at: Date,
  ): Promise<Record<string, string>> {
    const { longDate, shortDate } = this.formatDate(at)
    const scope = createScope(shortDate, this.#region, SERVICE)
    const headers: Record<string, string> = {
      'content-type': 'application/x-amz-json-1.1',
      host: this.#host,
      'x-amz-date': longDate,
      'x-amz-target': target,
      ...(credentials.sessionToken === undefined ? {} : { 'x-amz-security-token': credentials.sessionToken }),
    }
    const request = { method: 'POST', protocol: 'https:', hostname: this.#host, path: '/', headers }
    const canonicalHeaders = getCanonicalHeaders(request)
    const bodyDigest = createHash('sha256').update(body).digest('hex')
    const canonicalRequest = this.createCanonicalRequest(request, canonicalHeaders, bodyDigest)
    const signed = await this.createStringToSign(longDate, scope, canonicalRequest, ALGORITHM_IDENTIFIER)
    const signature = createHmac('sha256', await this.#signingKey(credentials, shortDate))
      .update(signed)
      .digest('hex')
    const names = this.getCanonicalHeaderList(canonicalHeaders)
    headers['authorization'] =
      `${ALGORITHM_IDENTIFIER} Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`
    return headers
  }

  async #signingKey(credentials: AwsCredentials, date: string): Promise<KeyObject> {
    const known = this.#derived.get(credentials)
    if (known?.date === date) return known.signing
    const signing = createSecretKey(await getSigningKey(NodeSha256, credentials, date, this.#region, SERVICE))
    this.#derived.set(credentials, { date, signing })
    return signing
  }
}

/** The base class wants a provider; this class is given the credentials with each call. */
function neverAsked(): Promise<never> {
  return Promise.reject(new Error('The signer is given the credentials with each call.'))
}
