import { describe, expect, it } from 'vitest'
import { isProxied } from '#proxy/is-proxied.ts'

describe('telling the proxy from the management API', () => {
  it.each([
    '/v1/models',
    '/v1/',
    '/openai/v1/x',
    '/anthropic/v1/messages?x=/y',
    '/openai/../x',
    '/openai//x',
  ])('%s is the proxy’s', (target) => expect(isProxied(target)).toBe(true))

  it.each([
    '/',
    '',
    '*',
    '/v1',
    '/openai',
    '/v10/x',
    '/v1x/y',
    '/api/v1/keks',
    '//openai/v1/x',
    '/OPENAI/v1/x',
    '/%6fpenai/v1/x',
    '/openai?/v1',
    '/livez',
    'http://host/openai/v1/x',
    '/./openai/v1/x',
  ])('%j is not', (target) => expect(isProxied(target)).toBe(false))
})
