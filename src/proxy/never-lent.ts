import type { Provider } from '#providers/provider.ts'
import { providers } from '#providers/providers.ts'

const patterns = new Map(
  providers.map((provider) => [provider, provider.neverLent.map((pattern) => pattern.split('/').slice(1))]),
)

/** Whether the path is one of the provider's never-lent endpoints, or below one, in whatever case. */
export function isNeverLent(provider: Provider, upstreamPath: string): boolean {
  const segments = upstreamPath.toLowerCase().split('/').slice(1)
  return (patterns.get(provider) ?? []).some((pattern) => startsWith(segments, pattern))
}

function startsWith(segments: readonly string[], pattern: readonly string[]): boolean {
  return pattern.every((part, index) =>
    part === '*' ? segments[index] !== undefined : part === segments[index],
  )
}
