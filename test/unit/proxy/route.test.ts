import { describe, expect, it } from 'vitest'
import { Refusal } from '#proxy/refusal.ts'
import { callerDialect, routeRequest } from '#proxy/route.ts'

function route(method: string, path: string) {
  return routeRequest(method, path, callerDialect(path, []))
}

function codeOf(method: string, path: string): string | null {
  try {
    return route(method, path) === null ? null : 'routed'
  } catch (error) {
    return error instanceof Refusal ? error.code : String(error)
  }
}

describe('a native mount', () => {
  it('maps to the path that the provider itself has', () => {
    expect(route('POST', '/openai/v1/chat/completions')).toMatchObject({
      kind: 'native',
      dialect: 'openai',
      provider: { name: 'openai' },
      operation: { name: 'chat.completions', modelIn: 'json' },
      upstreamPath: '/v1/chat/completions',
    })
    expect(route('POST', '/anthropic/v1/messages/count_tokens')).toMatchObject({
      kind: 'native',
      dialect: 'anthropic',
      provider: { name: 'anthropic' },
      operation: { name: 'messages.count_tokens' },
      upstreamPath: '/v1/messages/count_tokens',
    })
  })

  it('forwards endpoints that Hasp does not know, and says that it knows no model of them', () => {
    for (const [method, path] of [
      ['DELETE', '/openai/v1/files/file-1'],
      ['POST', '/openai/v1/batches'],
      ['GET', '/openai/v1/responses/resp_1'],
      ['DELETE', '/openai/v1/models/ft%3Agpt'],
      ['GET', '/anthropic/v1/messages/batches'],
    ] as const) {
      expect(route(method, path)).toMatchObject({ kind: 'native', operation: null, model: undefined })
    }
  })

  it('reads the model where the path names it', () => {
    expect(route('GET', '/openai/v1/models/ft%3Agpt-4o%3Aacme%3A%3A9')).toMatchObject({
      model: 'ft:gpt-4o:acme::9',
    })
    expect(route('GET', '/v1/models/claude-x')).toMatchObject({ kind: 'unified', model: 'claude-x' })
  })

  it.each([
    '/openai',
    '/openai/',
    '/openai/v1',
    '/openai/chat/completions',
    '/anthropic/api/oauth/profile',
    '/anthropic/v10/x',
  ])('has nothing at %s', (path) => {
    expect(codeOf('GET', path)).toBe('endpoint_unknown')
  })

  it.each(['HEAD', 'OPTIONS', 'TRACE', 'CONNECT', 'get', 'PROPFIND'])(
    'does not forward the method %s',
    (method) => {
      expect(codeOf(method, '/openai/v1/models')).toBe('method_not_allowed')
    },
  )
})

describe('an endpoint that administers the account or hands out secrets', () => {
  it.each([
    '/openai/v1/organization',
    '/openai/v1/organization/admin_api_keys',
    '/openai/v1/ORGANIZATION/users',
    '/openai/v1/organization/',
    '/openai/v1/projects/p/roles',
    '/openai/v1/realtime/client_secrets',
    '/openai/v1/chatkit/sessions',
    '/anthropic/v1/organizations/api_keys',
    '/anthropic/v1/oauth/token',
    '/anthropic/v1/environments/env_1/work/poll',
    '/v1/organization/users',
    '/v1/organizations/me',
  ])('%s is never lent, by any method', (path) => {
    for (const method of ['GET', 'POST', 'DELETE']) expect(codeOf(method, path)).toBe('endpoint_not_lent')
  })

  it('is not confused with endpoints that begin alike', () => {
    for (const path of [
      '/openai/v1/organizational',
      '/openai/v1/realtime/calls',
      '/anthropic/v1/environments/env_1',
    ]) {
      expect(codeOf('GET', path)).toBe('routed')
    }
  })
})

describe('the unified mount', () => {
  it.each([
    ['POST', '/v1/chat/completions', 'openai'],
    ['POST', '/v1/responses', 'openai'],
    ['POST', '/v1/embeddings', 'openai'],
    ['POST', '/v1/audio/transcriptions', 'openai'],
    ['POST', '/v1/messages', 'anthropic'],
    ['POST', '/v1/messages/count_tokens', 'anthropic'],
  ])('routes %s %s by model, in the dialect of %s', (method, path, dialect) => {
    expect(route(method, path)).toMatchObject({
      kind: 'unified',
      dialect,
      upstreamPath: path,
      operation: { path },
    })
  })

  it('answers a model list in the dialect of whoever asks', () => {
    const dialect = callerDialect('/v1/models', ['Host', 'x', 'Anthropic-Version', '2023-06-01'])
    expect(routeRequest('GET', '/v1/models', dialect)).toMatchObject({
      dialect: 'anthropic',
      operation: { modelIn: 'none' },
    })
    expect(route('GET', '/v1/models')).toMatchObject({ dialect: 'openai' })
  })

  it('names the one method that an operation takes', () => {
    expect(() => route('GET', '/v1/messages')).toThrow(
      expect.objectContaining({ code: 'method_not_allowed', allow: 'POST' }),
    )
    expect(() => route('DELETE', '/v1/models/x')).toThrow(expect.objectContaining({ allow: 'GET' }))
  })

  it.each([
    '/v1',
    '/v1/',
    '/v1/files',
    '/v1/models/',
    '/v1/models/a/b',
    '/v1/chat',
    '/v1/messages/',
    '/v1/Messages',
  ])('has nothing at %s', (path) => {
    expect(codeOf('POST', path)).toBe('endpoint_unknown')
  })
})

describe('a path of no mount', () => {
  it.each(['/', '/api/v1/targets', '/openaix/v1/models', '/v11/models', '/livez', '/OpenAI/v1/models'])(
    'leaves %s to the rest of the server',
    (path) => {
      expect(codeOf('GET', path)).toBeNull()
      expect(callerDialect(path, [])).toBe('openai')
    },
  )
})

describe('a base URL with a version too many', () => {
  it.each([
    '/openai/v1/v1/chat/completions',
    '/anthropic/v1/v1/messages',
    '/v1/v1/chat/completions',
    '/v1/v1',
  ])('is named as what is wrong with %s, which is not forwarded', (path) => {
    expect(() => route('POST', path)).toThrow(/has \/v1 in it twice[^]*Base URLs: \/openai\/v1/)
    expect(codeOf('POST', path)).toBe('endpoint_unknown')
  })

  it('is not seen in a path that only looks like one', () => {
    expect(codeOf('GET', '/openai/v1/v1x')).toBe('routed')
  })
})
