import { plainRequest } from '#emulators/google/kms/kms-method.ts'
import type { Method } from '#emulators/google/kms/method.ts'
import { methodNamed } from '#emulators/google/kms/methods.ts'
import type { CallOutcome, IncomingCall } from '#emulators/google/kms/serve-call.ts'
import type { HttpReply, HttpRequest } from './http-server.ts'
import { fromJson, toJson } from './json-mapping.ts'
import type { Message } from './protobuf.ts'
import { asStatusError, invalidArgument, statuses, StatusError } from './status-error.ts'
import { statusJson } from './status-message.ts'

const KEY = 'projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/:]+'
const KEY_RING = 'projects/[^/]+/locations/[^/]+/keyRings/[^/:]+'
const VERSION = `${KEY}/cryptoKeyVersions/\\d+`

type Route = Readonly<{
  verb: string
  pattern: RegExp
  method: string
  /** The request, from what the path names, the query and the body. */
  request: (name: string, query: URLSearchParams, body: Message) => Message
}>

const byName: Route['request'] = (name, _, body) => ({ ...body, name })
const underParent: Route['request'] = (parent) => ({ parent })
const ofResource: Route['request'] = (resource, _, body) => ({ ...body, resource })

/** The bindings of service.proto's google.api.http, and Resource Manager's for projects. */
const routes: readonly Route[] = [
  route('POST', `(${KEY}(?:/cryptoKeyVersions/\\d+)?):encrypt`, 'Encrypt', byName),
  route('POST', `(${KEY}):decrypt`, 'Decrypt', byName),
  route('POST', '(projects/[^/]+/locations/[^/]+)/keyRings', 'CreateKeyRing', (parent, query, body) => ({
    parent,
    keyRingId: query.get('keyRingId') ?? '',
    keyRing: body,
  })),
  route('GET', `(${KEY_RING})`, 'GetKeyRing', byName),
  route('POST', `(${KEY_RING})/cryptoKeys`, 'CreateCryptoKey', (parent, query, body) => ({
    parent,
    cryptoKeyId: query.get('cryptoKeyId') ?? '',
    cryptoKey: body,
  })),
  route('GET', `(${KEY})`, 'GetCryptoKey', byName),
  route('PATCH', `(${KEY})`, 'UpdateCryptoKey', (name, query, body) => ({
    cryptoKey: { ...body, name },
    updateMask: { paths: (query.get('updateMask') ?? '').split(',') },
  })),
  route('GET', `(${KEY_RING})/cryptoKeys`, 'ListCryptoKeys', underParent),
  route('POST', `(${KEY})/cryptoKeyVersions`, 'CreateCryptoKeyVersion', underParent),
  route('GET', `(${VERSION})`, 'GetCryptoKeyVersion', byName),
  route('GET', `(${KEY})/cryptoKeyVersions`, 'ListCryptoKeyVersions', underParent),
  route('PATCH', `(${VERSION})`, 'UpdateCryptoKeyVersion', (name, _, body) => ({
    cryptoKeyVersion: { ...body, name },
  })),
  route('POST', `(${KEY}):updatePrimaryVersion`, 'UpdateCryptoKeyPrimaryVersion', byName),
  route('POST', `(${VERSION}):destroy`, 'DestroyCryptoKeyVersion', byName),
  route('POST', `(${VERSION}):restore`, 'RestoreCryptoKeyVersion', byName),
  ...['GET', 'POST'].map((verb) => route(verb, '(projects/[^:]+):getIamPolicy', 'GetIamPolicy', ofResource)),
  route('POST', '(projects/[^:]+):setIamPolicy', 'SetIamPolicy', ofResource),
  route('POST', '(projects/[^:]+):testIamPermissions', 'TestIamPermissions', ofResource),
]

function route(verb: string, pattern: string, method: string, request: Route['request']): Route {
  return { verb, pattern: new RegExp(`^/v[13]/${pattern}$`), method, request }
}

/** Serves one REST call; undefined for a path that no method has. */
export async function serveRest(
  serve: (call: IncomingCall) => Promise<CallOutcome>,
  http: HttpRequest,
): Promise<HttpReply | undefined> {
  const url = new URL(http.path, 'http://localhost')
  const found = routes.find(({ pattern, verb }) => verb === http.verb && pattern.test(url.pathname))
  const method = found === undefined ? undefined : methodNamed(found.method)
  if (found === undefined || method === undefined) return undefined
  const name = found.pattern.exec(url.pathname)?.[1] ?? ''
  const outcome = await serve({
    method,
    request: () => requestOf(method, found.request(name, url.searchParams, bodyOf(http.body))),
    authorization: http.headers.authorization,
    requestReason: textOf(http.headers['x-goog-request-reason']),
    userAgent: http.headers['user-agent'] ?? '',
    callerIp: http.callerIp,
  })
  return replyOf(outcome)
}

function requestOf(method: Method, plain: Message): Message {
  if (!method.requestType.includes('.kms.')) return plain
  try {
    return plainRequest(method.requestType, Object(fromJson(plain)))
  } catch {
    throw invalidArgument('Invalid JSON payload received.')
  }
}

function bodyOf(body: Buffer): Message {
  if (body.length === 0) return {}
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'))
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { ...parsed }
  } catch {
    // The same refusal as for JSON that is no object.
  }
  throw invalidArgument('Invalid JSON payload received. Expected an object.')
}

function replyOf(outcome: CallOutcome): HttpReply {
  switch (outcome.type) {
    case 'reset':
    case 'hang':
      return { type: outcome.type }
    case 'refusal':
      return restError(outcome.error)
    case 'reply': {
      const text = JSON.stringify(toJson(outcome.reply))
      return {
        type: 'answer',
        httpStatus: 200,
        body: outcome.isMalformed ? text.slice(0, -2) : text,
      }
    }
  }
}

/** `{ "error": { "code": 403, "message": …, "status": "PERMISSION_DENIED", "details": [ … ] } }` */
export function restError(error: unknown): HttpReply {
  const refusal = asStatusError(error)
  const { code: _, ...status } = statusJson(refusal)
  const body = { error: { code: refusal.httpStatus, status: refusal.status, ...status } }
  return { type: 'answer', httpStatus: refusal.httpStatus, body: JSON.stringify(body) }
}

export function noSuchPath(path: string): HttpReply {
  return restError(new StatusError(statuses[5][0], `The emulator serves nothing at ${path}.`))
}

function textOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value
}
