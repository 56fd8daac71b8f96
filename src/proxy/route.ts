import type { Operation } from '#providers/operations.ts'
import { dialects, type Dialect, type Provider } from '#providers/provider.ts'
import { providers } from '#providers/providers.ts'
import { isNeverLent } from './never-lent.ts'
import { refusalRules } from './refusal-rules.ts'
import { Refusal } from './refusal.ts'

/**
 * Where a request goes. `native`: to a target of `provider`; `operation` is null where Hasp does not know the
 * endpoint, so that a virtual key limited to certain models may not use it: nothing says which model it runs.
 * `unified`: to the target that the model (or, where none is named, the caller's dialect) chooses, among the
 * providers that have the operation.
 */
export type Route = Readonly<
  {
    dialect: Dialect
    upstreamPath: string
    /** Decoded, where the path names the model. */ model: string | undefined
  } & (
    | { kind: 'native'; provider: Provider; operation: Operation | null }
    | { kind: 'unified'; operation: Operation }
  )
>

const nativeMethods = new Set(['GET', 'POST', 'DELETE', 'PUT', 'PATCH'])
const allowNative = [...nativeMethods].join(', ')

const byMount = new Map(providers.map((provider) => [provider.mount, provider]))
const unifiedOperations = operationsByPath(providers.flatMap((provider) => provider.operations))
const nativeOperations = new Map(
  providers.map((provider) => [provider, operationsByPath(provider.operations)]),
)

/**
 * Routes one request; null where `path` belongs to no mount of the proxy. `path` has passed `parseRequestPath`, so
 * that comparing it as text is enough. `dialect` is that of {@link callerDialect}.
 * @throws {Refusal} `endpoint_unknown`, `endpoint_not_lent`, `method_not_allowed`.
 */
export function routeRequest(method: string, path: string, dialect: Dialect): Route | null {
  return knownRoutes.get(`${dialect} ${method} ${path}`) ?? findRoute(method, path, dialect)
}

function findRoute(method: string, path: string, dialect: Dialect): Route | null {
  const mount = mountOf(path)
  if (mount === '/v1') return routeUnified(method, path, dialect)
  const provider = byMount.get(mount)
  return provider === undefined ? null : routeNative(method, path, provider)
}

/**
 * The dialect in which this caller reads errors: that of the provider whose mount it calls, else Anthropic's for
 * Anthropic's operations and for whoever sends `anthropic-version`, else OpenAI's. Never fails, so that any refusal
 * can be worded.
 */
export function callerDialect(path: string, rawHeaders: readonly string[]): Dialect {
  const provider = byMount.get(mountOf(path))
  if (provider !== undefined) return provider.dialect
  if (path.startsWith('/v1/messages')) return 'anthropic'
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]
    if (name?.length === 17 && name.toLowerCase() === 'anthropic-version') return 'anthropic'
  }
  return 'openai'
}

function mountOf(path: string): string {
  const end = path.indexOf('/', 1)
  return end === -1 ? path : path.slice(0, end)
}

function routeUnified(method: string, path: string, dialect: Dialect): Route {
  const operation = findOperation(unifiedOperations, path)
  if (operation === undefined) {
    if (providers.some((provider) => isNeverLent(provider, path))) throw new Refusal('endpoint_not_lent')
    throw unknownEndpoint(path)
  }
  if (method !== operation.method) throw new Refusal('method_not_allowed', { allow: operation.method })
  return { kind: 'unified', dialect, operation, upstreamPath: path, model: modelInPath(operation, path) }
}

function routeNative(method: string, path: string, provider: Provider): Route {
  const upstreamPath = path.slice(provider.mount.length)
  if (!provider.lentPrefixes.some((prefix) => upstreamPath.startsWith(prefix))) {
    throw unknownEndpoint(upstreamPath)
  }
  if (versionTwice.test(upstreamPath)) throw unknownEndpoint(upstreamPath)
  if (isNeverLent(provider, upstreamPath)) throw new Refusal('endpoint_not_lent')
  if (!nativeMethods.has(method)) throw new Refusal('method_not_allowed', { allow: allowNative })
  const known = findOperation(nativeOperations.get(provider), upstreamPath)
  const operation = known?.method === method ? known : null
  const model = operation === null ? undefined : modelInPath(operation, upstreamPath)
  return { kind: 'native', dialect: provider.dialect, provider, operation, upstreamPath, model }
}

/** The mark of a base URL with a version that the SDK, or Hasp, adds by itself. */
const versionTwice = /^\/(v\d\w*)\/\1(?:\/|$)/

function unknownEndpoint(path: string): Refusal {
  const { message } = refusalRules.endpoint_unknown
  const version = versionTwice.exec(path)?.[1]
  if (version === undefined) return new Refusal('endpoint_unknown')
  return new Refusal('endpoint_unknown', {
    message: `This path has /${version} in it twice: a base URL has one too many. ${message}`,
  })
}

function operationsByPath(operations: readonly Operation[]): ReadonlyMap<string, Operation> {
  return new Map(operations.map((operation) => [operation.path, operation]))
}

function findOperation(
  operations: ReadonlyMap<string, Operation> | undefined,
  path: string,
): Operation | undefined {
  const lastSlash = path.lastIndexOf('/')
  const isBare = lastSlash === path.length - 1
  return operations?.get(path) ?? (isBare ? undefined : operations?.get(`${path.slice(0, lastSlash)}/*`))
}

function modelInPath(operation: Operation, path: string): string | undefined {
  return operation.modelIn === 'path' ? decodeURIComponent(path.slice(path.lastIndexOf('/') + 1)) : undefined
}

/**
 * The routes of the operations that a path names by itself, by dialect, method and path: they are what is mostly asked
 * for, and are looked up instead of found. Nothing else is remembered: there is no end of other paths.
 */
const knownRoutes: ReadonlyMap<string, Route> = routesOfOperations()

function routesOfOperations(): Map<string, Route> {
  const routes = new Map<string, Route>()
  for (const provider of providers) {
    for (const { method, path } of provider.operations) {
      if (path.endsWith('/*')) continue
      for (const known of [provider.mount + path, path]) {
        for (const dialect of dialects) {
          const route = findRoute(method, known, dialect)
          if (route !== null) routes.set(`${dialect} ${method} ${known}`, route)
        }
      }
    }
  }
  return routes
}
