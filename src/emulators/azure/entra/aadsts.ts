import { randomUUID } from 'node:crypto'

type Known = Readonly<{ error: string; httpStatus: number; text: string }>

/** What Entra says with each number ("Microsoft Entra authentication and authorization error codes"). */
const KNOWN: Readonly<Record<number, Known>> = {
  90002: {
    error: 'invalid_request',
    httpStatus: 400,
    text: 'Tenant not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.',
  },
  700016: {
    error: 'unauthorized_client',
    httpStatus: 400,
    text: 'Application was not found in the directory. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.',
  },
  7000112: { error: 'unauthorized_client', httpStatus: 400, text: 'Application is disabled.' },
  65001: {
    error: 'invalid_grant',
    httpStatus: 400,
    text: 'The user or administrator has not consented to use the application.',
  },
  500011: {
    error: 'invalid_resource',
    httpStatus: 400,
    text: 'The resource principal was not found in the tenant.',
  },
  7000215: { error: 'invalid_client', httpStatus: 401, text: 'Invalid client secret provided.' },
  7000222: { error: 'invalid_client', httpStatus: 401, text: 'The provided client secret keys are expired.' },
  7000216: {
    error: 'invalid_client',
    httpStatus: 401,
    text: "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
  },
  700024: {
    error: 'invalid_client',
    httpStatus: 401,
    text: 'Client assertion is not within its valid time range.',
  },
  700027: {
    error: 'invalid_client',
    httpStatus: 401,
    text: 'Client assertion failed signature validation.',
  },
  700211: {
    error: 'invalid_client',
    httpStatus: 401,
    text: 'No matching federated identity record found for presented assertion issuer.',
  },
  700212: {
    error: 'invalid_client',
    httpStatus: 401,
    text: 'No matching federated identity record found for presented assertion audience.',
  },
  700213: {
    error: 'invalid_client',
    httpStatus: 401,
    text: 'No matching federated identity record found for presented assertion subject.',
  },
  53003: {
    error: 'access_denied',
    httpStatus: 400,
    text: 'Access has been blocked by Conditional Access policies.',
  },
  50196: {
    error: 'invalid_grant',
    httpStatus: 400,
    text: 'The server terminated an operation because it encountered a client request loop.',
  },
  90033: {
    error: 'temporarily_unavailable',
    httpStatus: 503,
    text: 'A transient error has occurred. Please try again.',
  },
  70011: { error: 'invalid_scope', httpStatus: 400, text: 'The provided value for scope is not valid.' },
  900144: {
    error: 'invalid_request',
    httpStatus: 400,
    text: 'The request body must contain the parameter it lacks.',
  },
  70003: {
    error: 'unsupported_grant_type',
    httpStatus: 400,
    text: 'The app requested an unsupported grant type.',
  },
}

/** A refusal of the token endpoint, by its number. */
export class AadstsError extends Error {
  override readonly name = 'AadstsError'
  readonly aadsts: number
  readonly httpStatus: number

  constructor(aadsts: number, httpStatus?: number) {
    super(`AADSTS${aadsts}: ${KNOWN[aadsts]?.text ?? 'The request was refused.'}`)
    this.aadsts = aadsts
    this.httpStatus = httpStatus ?? KNOWN[aadsts]?.httpStatus ?? 400
  }

  bodyAt(nowMs: number, correlationId: string): object {
    const traceId = randomUUID()
    const timestamp = `${new Date(nowMs).toISOString().slice(0, 19).replace('T', ' ')}Z`
    return {
      error: KNOWN[this.aadsts]?.error ?? 'invalid_request',
      error_description: `${this.message} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`,
      error_codes: [this.aadsts],
      timestamp,
      trace_id: traceId,
      correlation_id: correlationId,
      error_uri: `https://login.microsoftonline.com/error?code=${this.aadsts}`,
    }
  }
}
