import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startHasp, type RunningHasp } from '../support/running-hasp.ts'
import { rawRequest } from './support/raw-request.ts'

describe('a request that the management API can not take', () => {
  let hasp: RunningHasp
  beforeAll(async () => {
    hasp = await startHasp()
  })
  afterAll(() => hasp[Symbol.asyncDispose]())
  afterEach(async () => {
    expect((await fetch(`${hasp.url}/livez`)).status, 'the process stays up').toBe(200)
    expect(hasp.logLines.filter((line) => line.includes('unexpected'))).toEqual([])
  })

  const send = async (method: string, path: string, body?: string, headers: Record<string, string> = {}) => {
    const reply = await fetch(hasp.url + path, {
      method,
      headers: {
        authorization: `Bearer ${hasp.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    })
    const text = await reply.text()
    expect(reply.headers.get('content-type')).toContain('application/problem+json')
    const { status, code, type, detail, requestId } = JSON.parse(text)
    expect(status).toBe(reply.status)
    expect(type).toBe(`https://hasp.dev/problems/${code}`)
    expect(reply.headers.get('x-request-id') ?? requestId).toBe(requestId)
    return { status: reply.status, code, detail, text }
  }
  const keks = '/api/v1/keks'
  const virtualKeys = '/api/v1/virtual-keys'

  describe('because of its body', () => {
    it.each([
      '{',
      '{"name":}',
      'null',
      '[]',
      '"x"',
      '{"name":"x","provider":"local"} {}',
      '\u0000',
      'NaN',
      '{"a":1e999999}x',
    ])('is told that it is not a JSON object: %j', async (body) => {
      const { status, code } = await send('POST', keks, body)
      expect(status).toBe(400)
      expect(code).toMatch(/^body_(malformed|invalid)$/)
    })

    it.each([
      ['an unknown field', { name: 'x', provider: 'local', colour: 'red' }, '"colour"'],
      ['a missing field', { name: 'x' }, 'provider'],
      ['a number for a text', { name: 5, provider: 'local' }, 'body.name'],
      ['null for a text', { name: null, provider: 'local' }, 'body.name'],
      ['a text for a number', { name: 'x', provider: 'local', cacheUsesMax: '5' }, 'body.cacheUsesMax'],
      ['a fraction', { name: 'x', provider: 'local', cacheCeilingMs: 1.5 }, 'body.cacheCeilingMs'],
      [
        'a number out of range',
        { name: 'x', provider: 'local', cacheCeilingMs: 300_001 },
        'body.cacheCeilingMs',
      ],
      [
        'a word that is none of the list',
        { name: 'x', provider: 'local', unwrapMode: 'lazy' },
        'body.unwrapMode',
      ],
      ['an empty name', { name: '', provider: 'local' }, 'body.name'],
      ['a name with a line feed', { name: 'a\nb', provider: 'local' }, 'body.name'],
      ['a name that begins with a space', { name: ' a', provider: 'local' }, 'body.name'],
      ['half a character', { name: 'a\ud800', provider: 'local' }, 'body.name'],
      ['a name of 101 characters', { name: 'a'.repeat(101), provider: 'local' }, 'body.name'],
    ])('is told which field does not fit: %s', async (_, body, where) => {
      const { status, code, detail } = await send('POST', keks, JSON.stringify(body))
      expect([status, code]).toEqual([400, 'body_invalid'])
      expect(detail).toContain(where)
    })

    it.each([0, false, '', 'tomorrow', '2026-02-30T00:00:00Z', '2099-12-31T23:59:60Z', 4102444800000, []])(
      'does not guess at an expiry: %j is neither a moment nor "never"',
      async (expiresAt) => {
        const { status, code } = await send(
          'POST',
          virtualKeys,
          JSON.stringify({ name: 'x', targetIds: 'all', expiresAt }),
        )
        expect([status, code]).toEqual([400, 'body_invalid'])
      },
    )

    it.each(['/api/v1/virtual-keys', '/api/v1/admin-tokens'])(
      'is refused an expiry that has passed at %s',
      async (path) => {
        const body = {
          name: 'x',
          ...(path.endsWith('keys') ? { targetIds: 'all' } : {}),
          expiresAt: '2020-01-01T00:00:00Z',
        }
        const { status, code, detail } = await send('POST', path, JSON.stringify(body))
        expect([status, code]).toEqual([400, 'body_invalid'])
        expect(detail).toContain('passed')
      },
    )

    it.each([
      ['one text for a list', { targetIds: 'everything' }],
      ['an empty scope, which would mean everything', { targetIds: [] }],
      ['an empty list of models', { targetIds: 'all', models: [] }],
      ['no id', { targetIds: ['x'] }],
      [
        'an id twice',
        { targetIds: ['019a0000-0000-7000-8000-000000000000', '019a0000-0000-7000-8000-000000000000'] },
      ],
      ['a star within a model', { targetIds: 'all', models: ['gpt-*-mini'] }],
    ])('is not given a scope that it may not have meant: %s', async (_, scope) => {
      expect((await send('POST', virtualKeys, JSON.stringify({ name: 'x', ...scope }))).code).toBe(
        'body_invalid',
      )
    })

    it.each([
      [{ targetIds: 'everything' }, 'body.targetIds must be "all" or an array.'],
      [{ targetIds: 7 }, 'body.targetIds must be "all" or an array.'],
      [{ targetIds: [] }, 'body.targetIds must NOT have fewer than 1 items.'],
      [{ targetIds: ['x'] }, 'body.targetIds.0 must be an id (a UUID).'],
      [{ models: ['gpt 5'] }, 'body.models.0 must be the name of a model without spaces'],
      [{ expiresAt: 'tomorrow' }, 'body.expiresAt must be a time with its zone, such as 2027'],
      [{ expiresAt: 7 }, 'body.expiresAt must be a string or null.'],
      [{ name: ' x' }, 'body.name must be printable text without a space at either end.'],
      [{ target: 'x' }, 'body must not have the member "target": check its spelling.'],
    ])('is told what %j should have been, also where there are alternatives', async (wrong, told) => {
      const { detail } = await send(
        'POST',
        virtualKeys,
        JSON.stringify({ name: 'x', targetIds: 'all', ...wrong }),
      )
      expect(detail).toContain(told)
    })

    it('is told the words that there are, and never the one that was sent', async () => {
      const secret = 'sk-proj-0123456789abcdef'
      const { detail } = await send(
        'POST',
        keks,
        JSON.stringify({ name: 'x', provider: 'local', unwrapMode: secret }),
      )
      expect(detail).toBe('body.unwrapMode must be one of "strict", "shared", "cached".')
      expect((await send('GET', '/api/v1/ledger?kind=kek.suspendet')).detail).toContain('"kek.suspended"')
      expect((await send('GET', '/api/v1/ledger?kekId=prod')).detail).toBe(
        'query.kekId must be an id (a UUID).',
      )
    })

    it.each(['__proto__', 'constructor'])('may not name a member %s', async (name) => {
      const { status, detail } = await send(
        'POST',
        keks,
        `{"name":"x","provider":"local","${name}":{"isAdmin":true}}`,
      )
      expect(status).toBe(400)
      expect(detail).toContain(name)
    })

    it('gets 413 for more than 64 KiB, announced or not, and is answered before its connection goes', async () => {
      const large = `{"name":"${'x'.repeat(70_000)}"}`
      expect(await send('POST', keks, large)).toMatchObject({ status: 413, code: 'body_too_large' })
      const chunked = await rawRequest(hasp.url, [
        `POST ${keks} HTTP/1.1`,
        'host: hasp',
        `authorization: Bearer ${hasp.token}`,
        'content-type: application/json',
        'connection: close',
        'transfer-encoding: chunked',
        '',
        // Still on its way when it is refused.
        `100000\r\n${large}${large}`,
      ])
      expect(chunked).toMatch(/^HTTP\/1\.1 413 /)
      expect(chunked).toContain('body_too_large')
    })

    it.each([
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/xml',
      'application/json5',
      'x',
    ])('gets 415 for %s', async (type) => {
      const body = '{"name":"x","provider":"local"}'
      expect(await send('POST', keks, body, { 'content-type': type })).toMatchObject({
        status: 415,
        code: 'media_type_unsupported',
      })
    })

    it('repeats nothing of the body that it refuses', async () => {
      const secret = 'sk-must-not-be-repeated'
      for (const body of [
        `{"credential":"${secret}"`,
        `{"credential":"${secret}","credential":"x"}`,
        `{"credential":"\\u0073${secret}"}`,
        `{"credential":["${secret}"]}`,
        `{"name":"x","credential":"${secret}"}`,
        `{"\\u0063redential":"${secret}","name":"x","provider":"openai","kekId":"019a0000-0000-7000-8000-000000000000"}`,
        `"${secret}"`,
      ]) {
        const { status, text } = await send('POST', '/api/v1/api-targets', body)
        expect(status).toBe(400)
        expect(text).not.toContain(secret)
      }
      expect(hasp.logLines.join('\n')).not.toContain(secret)
    })
  })

  describe('because of its address', () => {
    it.each([
      ['GET', '/', 404, 'not_found'],
      ['GET', '/api', 404, 'not_found'],
      ['GET', '/api/v1', 404, 'not_found'],
      ['GET', '/api/v2/keks', 404, 'not_found'],
      ['GET', '/api/v1/unknown', 404, 'not_found'],
      ['GET', '/openai', 404, 'not_found'],
      ['PUT', keks, 404, 'not_found'],
      ['OPTIONS', keks, 404, 'not_found'],
      ['DELETE', keks, 404, 'not_found'],
      ['GET', `${virtualKeys}/x/y/z`, 404, 'not_found'],
      ['GET', '/api//v1/keks', 404, 'not_found'],
      ['GET', '/API/V1/keks', 404, 'not_found'],
      ['GET', `${keks}/`, 400, 'body_invalid'],
      ['GET', `${keks}/1`, 400, 'body_invalid'],
      ['GET', `${keks}/019a0000-0000-7000-8000-00000000000g`, 400, 'body_invalid'],
      ['GET', `${keks}/..%2f`, 400, 'body_invalid'],
      ['GET', '/%', 400, 'body_malformed'],
      ['GET', '/api/v1/keks/%zz', 400, 'body_malformed'],
      ['GET', `${keks}?limit=0`, 400, 'body_invalid'],
      ['GET', '/api/v1/api-targets?provider=%00', 400, 'body_invalid'],
      ['GET', `${keks}?limit=101`, 400, 'body_invalid'],
      ['GET', `${keks}?limit=many`, 400, 'body_invalid'],
      ['GET', `${keks}?limit=1e1`, 400, 'body_invalid'],
      ['GET', `${keks}?limit=`, 400, 'body_invalid'],
      ['GET', `${keks}?limit=1&limit=2`, 400, 'body_invalid'],
      ['GET', `${keks}?offset=1`, 400, 'body_invalid'],
      ['GET', `${keks}?cursor=`, 400, 'body_invalid'],
      ['GET', `${keks}?cursor=AAAA`, 400, 'invalid_cursor'],
      ['GET', `${keks}?cursor=019a0000-0000-7000-8000-000000000000`, 400, 'invalid_cursor'],
      ['GET', '/api/v1/ledger?kind=nothing', 400, 'body_invalid'],
      ['GET', '/api/v1/ledger?kekId=x', 400, 'body_invalid'],
      [
        'DELETE',
        '/api/v1/api-targets/019a0000-0000-7000-8000-000000000000/credentials/0',
        400,
        'body_invalid',
      ],
      [
        'DELETE',
        '/api/v1/api-targets/019a0000-0000-7000-8000-000000000000/credentials/one',
        400,
        'body_invalid',
      ],
    ])('gets %s %s → %i %s', async (method, path, status, code) => {
      expect(await send(method, path)).toMatchObject({ status, code })
    })

    it('is answered without a body on HEAD', async () => {
      const reply = await fetch(hasp.url + keks, {
        method: 'HEAD',
        headers: { authorization: `Bearer ${hasp.token}` },
      })
      expect([reply.status, await reply.text()]).toEqual([200, ''])
    })
  })

  describe('because of its headers', () => {
    it.each([
      ['nothing', undefined],
      ['no scheme', 'hasp_admin_x'],
      ['another scheme', 'Basic aGFzcDpoYXNw'],
      ['an empty token', 'Bearer '],
      ['two tokens', 'Bearer a b'],
      ['a typing error', 'Bearer hasp_admin_0000000000000000000000000000000000000000000000000'],
      ['a long token', `Bearer ${'a'.repeat(8000)}`],
      ['a token in another script', 'Bearer hasp_admin_\u00e9'],
    ])('gets 401 and is told what to send, when it comes with %s', async (_, authorization) => {
      const reply = await fetch(hasp.url + keks, {
        headers: authorization === undefined ? {} : { authorization },
      })
      expect([reply.status, reply.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="hasp"'])
      expect((await reply.json()) as object).toMatchObject({ code: 'unauthenticated' })
    })

    it('gets 401 before its body is looked at', async () => {
      const reply = await send('POST', keks, '{', { authorization: 'Bearer x' })
      expect(reply.status).toBe(401)
    })

    it.each(['authorization', 'idempotency-key', 'content-type', 'host'])(
      'is refused %s twice',
      async (name) => {
        const values: Record<string, string> = {
          authorization: `Bearer ${hasp.token}`,
          'idempotency-key': 'k',
          'content-type': 'application/json',
          host: 'hasp',
        }
        const reply = await rawRequest(hasp.url, [
          `POST ${keks} HTTP/1.1`,
          ...Object.entries(values).map(([header, value]) => `${header}: ${value}`),
          `${name.toUpperCase()}: ${values[name]}`,
          'content-length: 2',
          'connection: close',
          '',
          '{}',
        ])
        expect(reply).toMatch(/^HTTP\/1\.1 400 /)
        expect(reply).toContain('header_invalid')
        expect(reply).not.toContain(hasp.token)
      },
    )

    it.each(['', ' ', 'a b', 'a'.repeat(256), '\u00e9'])(
      'is refused the Idempotency-Key %j',
      async (value) => {
        const reply = await rawRequest(hasp.url, [
          `POST ${keks} HTTP/1.1`,
          'host: hasp',
          `authorization: Bearer ${hasp.token}`,
          `idempotency-key: ${value}`,
          'content-type: application/json',
          'content-length: 31',
          'connection: close',
          '',
          '{"name":"x","provider":"local"}',
        ])
        expect(reply).toMatch(/^HTTP\/1\.1 400 /)
        expect((await hasp.api('GET', '/keks')).body.items).toEqual([])
      },
    )
  })

  describe('because two parsers could read it differently', () => {
    it.each([
      ['both lengths', ['content-length: 5', 'transfer-encoding: chunked', '', '0\r\n\r\n']],
      ['two lengths', ['content-length: 2', 'content-length: 3', '', '{}x']],
      ['the same length twice', ['content-length: 2', 'content-length: 2', '', '{}']],
      ['a list of lengths', ['content-length: 2, 2', '', '{}']],
      ['a signed length', ['content-length: +2', '', '{}']],
      ['a length in hex', ['content-length: 0x2', '', '{}']],
      ['a coding that is not chunked', ['transfer-encoding: identity', '', '{}']],
      ['an unknown coding', ['transfer-encoding: xchunked', '', '0\r\n\r\n']],
      ['a folded line', ['x-a: b', ' c', 'content-length: 2', '', '{}']],
      ['a space before the colon', ['content-length : 2', '', '{}']],
      ['a header without a colon', ['content-length', '', '{}']],
      ['a bare line feed', ['x-a: b\nx-c: d', 'content-length: 2', '', '{}']],
      ['a bare carriage return', ['x-a: b\rx-c: d', 'content-length: 2', '', '{}']],
      ['a NUL', ['x-a: \0', 'content-length: 2', '', '{}']],
      ['a chunk size with a sign', ['transfer-encoding: chunked', '', '+2\r\n{}\r\n0\r\n\r\n']],
      ['a chunk without its line end', ['transfer-encoding: chunked', '', '2\r\n{}0\r\n\r\n']],
      [
        'a chunk extension with a bare line feed',
        ['transfer-encoding: chunked', '', '2;a\nb\r\n{}\r\n0\r\n\r\n'],
      ],
      ['a huge chunk size', ['transfer-encoding: chunked', '', `${'f'.repeat(20)}\r\n{}\r\n0\r\n\r\n`]],
    ])('is refused and disconnected: %s', async (_, rest) => {
      const reply = await rawRequest(
        hasp.url,
        [
          `POST ${keks} HTTP/1.1`,
          'host: hasp',
          `authorization: Bearer ${hasp.token}`,
          'content-type: application/json',
          ...rest,
          'GET /api/v1/organisation HTTP/1.1',
          'host: hasp',
          `authorization: Bearer ${hasp.token}`,
          '',
          '',
        ],
        2_000,
      )
      expect(reply).toMatch(/^HTTP\/1\.1 4\d\d /)
      expect(reply, 'the second request is not read').not.toContain(hasp.orgId)
    })

    it('is refused without a host, with a version of its own, and as no HTTP at all', async () => {
      for (const line of [
        'GET /livez HTTP/1.1',
        'GET /livez HTTP/9.9',
        'GET /livez',
        'HELLO',
        '\x16\x03\x01\x02\x00\x01',
      ])
        expect(await rawRequest(hasp.url, [line, '', ''], 2_000)).toMatch(/^HTTP\/1\.1 400 /)
    })

    it('gets 431 for headers beyond 16 KiB', async () => {
      expect(
        await rawRequest(hasp.url, ['GET /livez HTTP/1.1', 'host: hasp', `x: ${'a'.repeat(20_000)}`, '', '']),
      ).toMatch(/^HTTP\/1\.1 431 /)
    })

    it('reads an absolute target as its path (RFC 9112 §3.2.2), with the same authentication', async () => {
      const ask = (authorization: string) =>
        rawRequest(hasp.url, [
          'GET http://elsewhere/api/v1/organisation HTTP/1.1',
          'host: hasp',
          authorization,
          'connection: close',
          '',
          '',
        ])
      expect(await ask(`authorization: Bearer ${hasp.token}`)).toContain(hasp.orgId)
      expect(await ask('x: y')).toMatch(/^HTTP\/1\.1 401 /)
    })

    it('does not tunnel', async () => {
      const reply = await rawRequest(
        hasp.url,
        ['CONNECT 169.254.169.254:80 HTTP/1.1', 'host: hasp', '', ''],
        2_000,
      )
      expect(reply).not.toMatch(/^HTTP\/1\.1 2/)
    })
  })
})
