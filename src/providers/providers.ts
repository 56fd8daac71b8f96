import { anthropic } from './anthropic.ts'
import { openai } from './openai.ts'
import type { Provider } from './provider.ts'

/** Every provider that Hasp knows. */
export const providers: readonly Provider[] = [openai, anthropic]

const byName = new Map(providers.map((provider) => [provider.name, provider]))

export function findProvider(name: string): Provider | undefined {
  return byName.get(name)
}

/** Whether one of `patterns` (exact names, or prefixes ending in `*`) covers `model`. */
export function servesModel(patterns: readonly string[], model: string): boolean {
  return patterns.some((pattern) =>
    pattern.endsWith('*') ? model.startsWith(pattern.slice(0, -1)) : model === pattern,
  )
}
