import { describe, expect, it } from 'vitest'
import type { Provider } from '#providers/provider.ts'
import { findProvider, providers, servesModel } from '#providers/providers.ts'

function provider(name: string): Provider {
  const found = findProvider(name)
  if (found === undefined) throw new Error(`no provider ${name}`)
  return found
}

const providersOf = (model: string) =>
  providers.filter(({ models }) => servesModel(models, model)).map(({ name }) => name)

describe('finding a provider', () => {
  it('knows each by its name and nothing else', () => {
    expect(providers.map(({ name }) => findProvider(name)?.name)).toEqual(['openai', 'anthropic'])
    for (const name of ['', 'OpenAI', '__proto__', 'toString']) expect(findProvider(name)).toBeUndefined()
  })

  it.each([
    ['gpt-5-mini', 'openai'],
    ['o3', 'openai'],
    ['o4-mini', 'openai'],
    ['text-embedding-3-small', 'openai'],
    ['ft:gpt-4o-mini-2024-07-18:acme::9x', 'openai'],
    ['claude-opus-5', 'anthropic'],
  ])('says that %s is served by %s alone', (model, name) => {
    expect(providersOf(model)).toEqual([name])
  })

  it.each(['', 'llama-3', 'claude', 'o30', 'Claude-3', 'xgpt-4', 'ft:acme'])(
    'does not guess a provider for %j',
    (model) => {
      expect(providersOf(model)).toEqual([])
    },
  )

  it('takes a pattern without a star as one exact name', () => {
    expect(servesModel(['gpt-5'], 'gpt-5')).toBe(true)
    expect(servesModel(['gpt-5'], 'gpt-5-mini')).toBe(false)
    expect(servesModel(['*'], 'anything')).toBe(true)
  })
})

describe.each(providers.map((each) => [each.name, each] as const))('the provider %s', (_, each) => {
  it('is stated in the shapes that the proxy compares with', () => {
    const names = [
      each.credentialHeader.name,
      each.requestIdHeader,
      ...each.requestHeaders,
      ...each.replyHeaders,
    ]
    for (const name of names) expect(name).toMatch(/^[a-z0-9-]+\*?$/)
    expect(each.defaultBaseUrl).toMatch(/^https:\/\/[a-z.]+(\/[a-z0-9/]*[a-z0-9])?$/)
    expect(each.mount).toBe(`/${each.name}`)
    for (const prefix of each.lentPrefixes) expect(prefix).toMatch(/^\/.*\/$/)
    for (const path of each.neverLent) {
      expect(path).toBe(path.toLowerCase())
      expect(each.lentPrefixes.some((prefix) => path.startsWith(prefix))).toBe(true)
    }
    expect(each.defaultHeaders.length % 2).toBe(0)
    expect(each.validation.headers.length % 2).toBe(0)
  })

  it('neither forwards its credential header from callers nor hands on the account behind it', () => {
    expect(each.requestHeaders).not.toContain(each.credentialHeader.name)
    for (const name of ['set-cookie', 'openai-organization', 'anthropic-organization-id']) {
      expect(each.replyHeaders.some((pattern) => servesModel([pattern], name))).toBe(false)
    }
  })

  it('accepts a credential at 200, rejects it at 401, and does not decide at anything else', () => {
    expect(each.readValidation(200)).toBe('accepted')
    expect(each.readValidation(401)).toBe('rejected')
    for (const status of [301, 403, 404, 429, 500, 503]) expect(each.readValidation(status)).toBe('unclear')
  })

  it.each([
    ['12345678', true],
    ['sk-proj-abc_DEF-123', true],
    ['x'.repeat(4096), true],
    ['1234567', false],
    ['x'.repeat(4097), false],
    ['sk-abc def', false],
    ['sk-abcdefg\r\nx-evil: 1', false],
    ['sk-abcdefgh\n', false],
    ['sk-abcdefgh\u00e9', false],
    ['sk-abcdefgh\u007f', false],
  ])('finds %j plausible: %s', (text, isPlausible) => {
    expect(each.isPlausibleCredential(Buffer.from(text, 'utf8'))).toBe(isPlausible)
  })
})

describe("reading OpenAI's 401", () => {
  it('accepts a restricted key that may not list models, and is not fooled by where we call from', () => {
    const { readValidation } = provider('openai')
    const scopes =
      '{"error":{"message":"You have insufficient permissions for this operation. Missing scopes: api.model.read."}}'
    expect(readValidation(401, scopes)).toBe('accepted')
    expect(readValidation(401, '{"error":{"code":"invalid_api_key"}}')).toBe('rejected')
    expect(readValidation(401, '{"error":{"code":"ip_not_authorized"}}')).toBe('unclear')
  })
})
