/**
 * How one kind of refusal is answered. `isTerminal`: the same request can not succeed before somebody changes
 * something, so SDKs are told not to retry. The message says what is wrong and what to do about it.
 */
export type RefusalRule = Readonly<{
  status: number
  isTerminal: boolean
  message: string
  retryAfterSeconds?: number
}>

const whereToPut =
  'Send it as "Authorization: Bearer hasp_vk_…" or in x-api-key, api-key, x-goog-api-key or x-hasp-key.'

/** Where SDKs are to be pointed; for callers, so without our own address, which is theirs to know. */
export const baseUrls =
  'Base URLs: /openai/v1 for OpenAI SDKs, /anthropic for Anthropic SDKs, /v1 to choose the target by model.'

/** Every way in which Hasp itself refuses a proxied request. docs/proxy.md carries the same table. */
export const refusalRules = {
  virtual_key_missing: {
    status: 401,
    isTerminal: true,
    message: `No Hasp virtual key came with this request. ${whereToPut}`,
  },
  virtual_key_not_ours: {
    status: 401,
    isTerminal: true,
    message:
      'The credential sent is not a Hasp virtual key. Hasp neither accepts nor forwards provider keys: use a virtual key (hasp_vk_…), and consider a provider key that was sent here as disclosed.',
  },
  virtual_key_ambiguous: {
    status: 400,
    isTerminal: true,
    message: 'Two different Hasp virtual keys came with this request. Send one.',
  },
  virtual_key_unknown: {
    status: 401,
    isTerminal: true,
    message:
      'This Hasp virtual key is not known here. Check that it is complete and belongs to this installation.',
  },
  virtual_key_expired: {
    status: 401,
    isTerminal: true,
    message: 'This Hasp virtual key has expired. Ask your administrator for a new one.',
  },
  virtual_key_revoked: {
    status: 401,
    isTerminal: true,
    message: 'This Hasp virtual key was revoked. Ask your administrator for a new one.',
  },
  virtual_key_tampered: {
    status: 500,
    isTerminal: true,
    message:
      'The stored record of this Hasp virtual key is not as Hasp wrote it, and is not used. This is a security incident: tell your administrator.',
  },
  model_missing: {
    status: 400,
    isTerminal: true,
    message:
      'The request names no model, and Hasp chooses the target by it. Set "model", or use the provider\'s own mount (/openai/v1, /anthropic).',
  },
  model_unreadable: {
    status: 400,
    isTerminal: true,
    message: 'The model of this request can not be read. "model" must be one string of 1 to 256 characters.',
  },
  model_duplicated: {
    status: 400,
    isTerminal: true,
    message:
      'The request names "model" more than once, and parsers differ on which one counts. Name it once.',
  },
  model_not_allowed: {
    status: 403,
    isTerminal: true,
    message: 'This Hasp virtual key may not use this model. Ask your administrator to extend its scope.',
  },
  model_unknown: {
    status: 404,
    isTerminal: true,
    message:
      'No target of your organisation serves this model. Check the name, or ask for a target that lists it.',
  },
  no_target: {
    status: 404,
    isTerminal: true,
    message: 'Your organisation has no target for this provider. Store one, or use another provider.',
  },
  target_not_allowed: {
    status: 403,
    isTerminal: true,
    message:
      'This Hasp virtual key may not use the target of this request. Ask your administrator to extend its scope.',
  },
  endpoint_unknown: {
    status: 404,
    isTerminal: true,
    message: `Hasp has no such endpoint. ${baseUrls}`,
  },
  endpoint_not_lent: {
    status: 403,
    isTerminal: true,
    message:
      'Hasp never lends a credential to this endpoint: it administers the provider account or hands out secrets that work without Hasp.',
  },
  method_not_allowed: {
    status: 405,
    isTerminal: true,
    message: 'This endpoint does not take this HTTP method.',
  },
  path_refused: {
    status: 400,
    isTerminal: true,
    message: 'This path is not written in the one plain way that Hasp forwards.',
  },
  header_refused: {
    status: 400,
    isTerminal: true,
    message: 'The headers of this request can not be forwarded safely.',
  },
  body_encoding_refused: {
    status: 415,
    isTerminal: true,
    message:
      'Hasp reads the model from the body and takes no content-encoding on it. Send the body uncompressed.',
  },
  body_too_large: {
    status: 413,
    isTerminal: true,
    message:
      'The request body is larger than Hasp forwards (32 MiB). Send less in one request; a large file goes up in parts, where its provider takes parts.',
  },
  body_malformed: {
    status: 400,
    isTerminal: true,
    message: 'The request body is not the JSON object that this endpoint takes.',
  },
  body_timeout: {
    status: 408,
    isTerminal: false,
    message: 'The request body did not arrive in time. Send it again.',
  },
  too_many_bodies: {
    status: 503,
    isTerminal: false,
    retryAfterSeconds: 1,
    message: 'Hasp holds as many request bodies as it may. Try again shortly.',
  },
  virtual_key_busy: {
    status: 503,
    isTerminal: false,
    retryAfterSeconds: 1,
    message:
      'More virtual keys that this Hasp node has not met yet are being looked up than it may, or the database is slow to tell. Try again shortly.',
  },
  organisation_busy: {
    status: 429,
    isTerminal: false,
    retryAfterSeconds: 1,
    message:
      'Your organisation has as many calls, or as many bytes of request bodies, under way as its share of this Hasp allows. Try again shortly.',
  },
  kek_revoked: {
    status: 403,
    isTerminal: true,
    message:
      "The organisation's key-encryption key (KEK) is disabled or withdrawn, so the credential can not be opened. Whoever administers the KEK must enable it again.",
  },
  kek_unreachable: {
    status: 503,
    isTerminal: false,
    retryAfterSeconds: 2,
    message:
      "The KMS that holds the organisation's key-encryption key (KEK) does not answer. Nothing was revoked; try again shortly.",
  },
  kek_throttled: {
    status: 503,
    isTerminal: false,
    retryAfterSeconds: 1,
    message:
      "The KMS that holds the organisation's key-encryption key (KEK) is throttling. Try again shortly.",
  },
  kek_misconfigured: {
    status: 502,
    isTerminal: true,
    message:
      "The KMS answers, and its answer is that the organisation's key-encryption key (KEK) is set up wrongly. Whoever administers the KEK must run Hasp's check of it.",
  },
  kek_identity_failed: {
    status: 503,
    isTerminal: false,
    retryAfterSeconds: 5,
    message:
      "The cloud does not accept Hasp's own identity. The organisation's KEK was not revoked; the operator of this Hasp must act.",
  },
  credential_tampered: {
    status: 500,
    isTerminal: true,
    message:
      'The stored credential is not what was sealed, and was not opened. This is a security incident: tell your administrator.',
  },
  credential_shredded: {
    status: 403,
    isTerminal: true,
    message: 'The credential of this target was shredded and can not come back. Store a new one.',
  },
  target_deleted: {
    status: 404,
    isTerminal: true,
    message: 'The target of this call was deleted while it ran. Ask your administrator for another.',
  },
  credential_rejected: {
    status: 502,
    isTerminal: true,
    message:
      "The provider refused the credential that Hasp holds for this target. Your virtual key is fine: an administrator must give the target a working credential with the scopes that this endpoint needs ('hasp target rotate').",
  },
  upstream_unreachable: {
    status: 502,
    isTerminal: false,
    message: 'The provider could not be reached, or broke off before it answered. Try again.',
  },
  upstream_timeout: {
    status: 504,
    isTerminal: false,
    message: 'The provider did not answer in time. Try again, or stream the answer.',
  },
  ledger_unavailable: {
    status: 503,
    isTerminal: false,
    retryAfterSeconds: 2,
    message: 'Hasp can not write its receipt of this call, and makes no call without one. Try again shortly.',
  },
  hasp_stopping: {
    status: 503,
    isTerminal: false,
    retryAfterSeconds: 1,
    message: 'This Hasp node is stopping. Try again.',
  },
  internal: {
    status: 500,
    isTerminal: false,
    message: 'Hasp failed at this request. Try again, and tell the operator if it stays.',
  },
} as const satisfies Record<string, RefusalRule>

export type RefusalCode = keyof typeof refusalRules

/** Every status that a refusal may have, so that a dialect has a name for each. */
export type RefusalStatus = (typeof refusalRules)[RefusalCode]['status']
