import type { Operation } from './operations.ts'

/** Shape of a provider's errors, and of the refusals that its SDKs understand. */
export const dialects = ['openai', 'anthropic'] as const
export type Dialect = (typeof dialects)[number]

/** What a provider's answer to {@link Provider.validation} says about the credential that was shown. */
export type CredentialAnswer = 'accepted' | 'rejected' | 'unclear'

/** What is true of one LLM provider. Header names are in lower case throughout. */
export type Provider = Readonly<{
  /** Stored in rows and in the encryption context: never renamed. */
  name: string
  /** For people. */
  label: string
  /** Origin with an optional path prefix, without trailing slash; upstream paths are appended to it. */
  defaultBaseUrl: string
  /** The header that carries the credential, and what stands before it there. */
  credentialHeader: Readonly<{ name: string; prefix: string }>
  dialect: Dialect
  /** Path under which unmodified SDKs of this provider find it: `<mount>/v1/x` goes upstream as `/v1/x`. */
  mount: string
  /** Only paths with one of these prefixes are forwarded at all; each ends in `/`. */
  lentPrefixes: readonly string[]
  /**
   * Endpoints that are never lent, with everything below them: the provider's administration, and whatever answers
   * with a secret that works at the provider without Hasp. In lower case; a segment `*` stands for any one.
   */
  neverLent: readonly string[]
  /** Operations with a place under `/v1`, where the model chooses the target. */
  operations: readonly Operation[]
  /** Models served where a target names none: exact names, or prefixes ending in `*`. */
  models: readonly string[]
  /** Request headers forwarded beside those of every provider: exact names, or prefixes ending in `*`. */
  requestHeaders: readonly string[]
  /** Reply headers handed on beside those of every provider: exact names, or prefixes ending in `*`. */
  replyHeaders: readonly string[]
  /** Name, value, name, value …: sent when the caller did not send the name. */
  defaultHeaders: readonly string[]
  /** The reply header that names the request at the provider. */
  requestIdHeader: string
  /** The least request that tells whether a credential is good. `headers`: name, value, name, value …. */
  validation: Readonly<{ method: 'GET'; path: string; headers: readonly string[] }>
  /**
   * Reads the answer to `validation`. `body` is the start of the answer's body, where the status alone is ambiguous;
   * it may repeat a part of the credential and must not be logged or shown.
   */
  readValidation: (status: number, body?: string) => CredentialAnswer
  /** Whether these bytes could be a credential of this provider at all. */
  isPlausibleCredential: (credential: Uint8Array) => boolean
}>
