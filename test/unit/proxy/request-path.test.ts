import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseRequestPath } from '#proxy/request-path.ts'
import { Refusal } from '#proxy/refusal.ts'

function codeOf(target: string): string {
  try {
    parseRequestPath(target)
    return 'accepted'
  } catch (error) {
    return error instanceof Refusal ? error.code : String(error)
  }
}

describe('a request target that SDKs write', () => {
  it.each([
    '/v1/chat/completions',
    '/v1/models/ft%3Agpt-4o%3Aacme%3A%3A9x',
    '/v1/files/',
    '/openai/v1/responses/resp_0-a.b~c',
    '/',
    '/v1/x%20y',
    "/v1/a(b)*c!'@:$,&+=",
    '/v1/...',
  ])('%s passes byte for byte', (target) => {
    expect(parseRequestPath(target)).toEqual({ path: target, query: '' })
    expect(new URL(target, 'http://x').pathname).toBe(target)
  })
})

describe('a path that another server could read otherwise', () => {
  it.each([
    ['/v1/../v1/organization', 'dot segments'],
    ['/v1/./models', 'a dot segment'],
    ['/v1/..', 'dot segments at the end'],
    ['/v1/%2e%2e/organization', 'encoded dots'],
    ['/v1/.%2E/organization', 'half encoded dots'],
    ['/v1/%252e%252e/x', 'dots encoded twice'],
    ['/v1%2forganization', 'an encoded slash'],
    ['/v1%5Corganization', 'an encoded backslash'],
    ['/v1\\organization', 'a backslash'],
    ['/v1/%00', 'an encoded NUL'],
    ['/v1/%0d%0ax', 'encoded line ends'],
    ['/v1/%7f', 'an encoded control'],
    ['/v1/%c0%af', 'an overlong slash'],
    ['/v1/%6Frganization', 'an encoded letter'],
    ['/v1/organization%3Bx', 'an encoded semicolon'],
    ['/v1/models%23x', 'an encoded fragment'],
    ['/v1/..;/organization', 'path parameters'],
    ['//v1/models', 'an empty segment at the start'],
    ['/v1//models', 'an empty segment'],
    ['/v1/models//', 'an empty segment at the end'],
    ['/v1/models#x', 'a fragment'],
    ['/v1/models?a=1#x', 'a fragment behind the query'],
    ['/v1/mod els', 'a space'],
    ['/v1/m\u00f6dels', 'a non-ASCII byte'],
    ['/v1/models?a=\u00f6', 'a non-ASCII byte in the query'],
    ['/v1/models?a=\t', 'a control in the query'],
    ['/v1/%', 'half an encoding'],
    ['/v1/%zz', 'no encoding'],
    ['/v1/%4', 'half an encoding'],
    ['http://evil.example/v1/models', 'the absolute form'],
    ['evil.example:443', 'the authority form'],
    ['*', 'the asterisk form'],
    ['', 'nothing'],
    [`/${'a'.repeat(8192)}`, 'too much'],
  ])('%s is refused: %s', (target) => {
    expect(codeOf(target)).toBe('path_refused')
  })

  it('never passes if URL normalisation would change it, or a second decoding would find a separator', () => {
    const pieces = fc.constantFrom(
      '/',
      '.',
      '..',
      '%2e',
      '%2F',
      '%25',
      '\\',
      ';',
      'v1',
      'a',
      '%41',
      '%3A',
      '?',
      '%',
      '#',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const target = `/${parts.join('')}`
        if (codeOf(target) !== 'accepted') return
        const { path } = parseRequestPath(target)
        expect(new URL(path, 'http://x').pathname).toBe(path)
        const decoded = decodeURIComponent(path)
        expect(decodeURIComponent(decoded)).toBe(decoded)
        expect(decoded.split('/')).toHaveLength(path.split('/').length)
      }),
    )
  })

  it('does not repeat the path in its message', () => {
    expect(() => parseRequestPath('/secret-segment/../x')).toThrow(/^(?!.*secret-segment)/)
  })
})

describe('credentials in the query', () => {
  it.each([
    ['?key=sk-1', ''],
    ['?api_key=sk-1&limit=5', '?limit=5'],
    ['?limit=5&API-Key=sk-1', '?limit=5'],
    ['?a=1&apikey=x&b=%2F', '?a=1&b=%2F'],
    ['?x-api-key=x', ''],
    ['?ACCESS_TOKEN=x&token=y&auth=z', ''],
    ['?%6bey=sk-1', ''],
    ['?%61pi%5Fkey=sk-1&a', '?a'],
    ['?key[]=x&key%5B0%5D=y', ''],
    ['?key', ''],
    ['?a=1;key=sk-1&b=2', '?a=1&b=2'],
    ['?+key=x', ''],
  ])('%s goes on as %j', (query, kept) => {
    expect(parseRequestPath(`/v1/models${query}`).query).toBe(kept)
  })

  it.each(['', '?', '?a', '?a=%zz&&b=+', '?keys=1', '?after=key', '?monkey=1&include[]=x;y', '?a=b=key'])(
    'leaves %j byte for byte as it was',
    (query) => {
      expect(parseRequestPath(`/v1/models${query}`).query).toBe(query)
    },
  )

  it('keeps every other parameter, in order, whatever stands between them', () => {
    const harmless = fc.stringMatching(/^[b-j]{1,4}(=[A-Za-z0-9%._-]{0,6})?$/)
    const secret = fc.constantFrom('key=s', 'API_KEY=s', 'x-goog-api-key=s', 't%6fken=s')
    fc.assert(
      fc.property(fc.array(fc.oneof(harmless, secret), { minLength: 1, maxLength: 8 }), (parameters) => {
        const kept = parameters.filter((parameter) => !parameter.endsWith('=s') || /^[b-j]/.test(parameter))
        const { query } = parseRequestPath(`/v1/x?${parameters.join('&')}`)
        expect(query).toBe(kept.length === 0 ? '' : `?${kept.join('&')}`)
      }),
    )
  })
})
