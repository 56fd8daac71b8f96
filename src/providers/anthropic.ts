import * as operations from './operations.ts'
import { isPlausibleCredential } from './plausible-credential.ts'
import type { CredentialAnswer, Provider } from './provider.ts'

const defaultVersion = ['anthropic-version', '2023-06-01']

/** https://docs.anthropic.com/en/api */
export const anthropic: Provider = {
  name: 'anthropic',
  label: 'Anthropic',
  defaultBaseUrl: 'https://api.anthropic.com',
  credentialHeader: { name: 'x-api-key', prefix: '' },
  dialect: 'anthropic',
  mount: '/anthropic',
  // Outside /v1 the same host serves claude.ai's own API, which makes keys and reads profiles.
  lentPrefixes: ['/v1/'],
  neverLent: [
    // Administration: members, workspaces, keys, spend limits, compliance exports.
    '/v1/organizations',
    '/v1/compliance',
    // These answer with a secret that works at Anthropic without us, and outlives a revocation.
    '/v1/oauth',
    '/v1/tunnels',
    '/v1/environments/*/work',
  ],
  operations: [operations.messages, operations.messageTokens, operations.modelList, operations.oneModel],
  models: ['claude-*'],
  // Not anthropic-dangerous-direct-browser-access: it asks for CORS replies, which are not Anthropic's to give here.
  requestHeaders: ['anthropic-version', 'anthropic-beta', 'x-stainless-*'],
  replyHeaders: ['anthropic-ratelimit-*', 'anthropic-priority-*', 'anthropic-fast-*'],
  defaultHeaders: defaultVersion,
  requestIdHeader: 'request-id',
  validation: { method: 'GET', path: '/v1/models', headers: defaultVersion },
  readValidation,
  isPlausibleCredential,
}

/**
 * 401 `authentication_error` is the only answer about the key itself. A 403 is given to a good key without the right
 * to this endpoint, and also by the edge to a refused country or address: it does not tell.
 * https://docs.anthropic.com/en/api/errors
 */
function readValidation(status: number): CredentialAnswer {
  if (status >= 200 && status < 300) return 'accepted'
  return status === 401 ? 'rejected' : 'unclear'
}
