import { providers } from '#providers/providers.ts'

const mounts = new Set(['/v1', ...providers.map((provider) => provider.mount)])

/** Whether a request target belongs to the proxy; everything else is the management API's. */
export function isProxied(target: string): boolean {
  const end = target.indexOf('/', 1)
  return end !== -1 && mounts.has(target.slice(0, end))
}
