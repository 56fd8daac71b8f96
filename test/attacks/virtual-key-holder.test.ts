import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fetch, Pool } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { credentialOf, startBesiegedHasp, type Besieged } from './support/besieged-hasp.ts'

/** Node's global fetch hides what these tests send; undici's does not differ but is the one that Hasp ships. */
describe('whoever holds a virtual key', () => {
  let besieged: Besieged
  beforeAll(async () => {
    besieged = await startBesiegedHasp('local')
  })
  afterAll(() => besieged[Symbol.asyncDispose]())

  /** One request with the given token; `code` is Hasp's. */
  const send = async (
    token: string,
    path: string,
    {
      method = 'POST',
      headers = {},
      body,
    }: { method?: string; headers?: Record<string, string>; body?: string } = {},
  ) => {
    const reply = await fetch(besieged.hasp.url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined ? { 'content-type': 'application/json' } : {}),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    })
    return { status: reply.status, code: reply.headers.get('x-hasp-error'), text: await reply.text() }
  }
  /** What becomes of a request that must not reach the provider. */
  const refusal = async (...request: Parameters<typeof send>) => {
    const before = besieged.providerRequests()
    const { code } = await send(...request)
    return { code, forwarded: besieged.providerRequests() - before }
  }
  const chat = (model = 'gpt-5') => JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] })
  const completions = '/openai/v1/chat/completions'

  describe('and asks for what is not in its scope', () => {
    it.each(['id', 'name'] as const)('gets no target outside of its scope by %s', async (by) => {
      const { a } = besieged
      const target = by === 'id' ? a.victimId : 'victim'
      const headers = { 'x-hasp-target': target }
      expect(await refusal(a.limited.token, completions, { headers, body: chat() })).toEqual({
        code: 'target_not_allowed',
        forwarded: 0,
      })
    })

    it('gets no target of another organisation, and does not learn whether there is one', async () => {
      const { a, b } = besieged
      const ask = (target: string) =>
        refusal(a.agent.token, completions, { headers: { 'x-hasp-target': target }, body: chat() })
      expect(await ask(b.victimId)).toEqual({ code: 'no_target', forwarded: 0 })
      expect(await ask(b.victimId)).toEqual(await ask('019a0000-0000-7000-8000-000000000000'))
    })

    it('gets the credential of its own organisation alone, where both have a target of that name', async () => {
      const { b, call, surroundings } = besieged
      surroundings.openai.setAcceptedCredentials([credentialOf(b.id, 'victim')])
      expect(await call(b.agent.token)).toMatchObject({ status: 200 })
      expect((await call(besieged.a.agent.token)).code).toBe('credential_rejected')
      surroundings.openai.setAcceptedCredentials(
        [besieged.a, b].flatMap(({ id }) => ['victim', 'bystander'].map((name) => credentialOf(id, name))),
      )
    })

    it('cannot name two targets, or one in a second header line', async () => {
      const { a, hasp } = besieged
      const reply = await raw(hasp.url, [
        'POST /openai/v1/chat/completions HTTP/1.1',
        'host: hasp',
        `authorization: Bearer ${a.limited.token}`,
        'content-type: application/json',
        'x-hasp-target: bystander',
        'x-hasp-target: victim',
        `content-length: ${chat().length}`,
        'connection: close',
        '',
        chat(),
      ])
      expect(reply).toContain('header_refused')
    })
  })

  describe('that is limited to one model', () => {
    it.each([
      ['another model', chat('gpt-4o')],
      ['a second model', '{"model":"gpt-5","model":"gpt-4o","messages":[]}'],
      ['a second model, escaped', '{"model":"gpt-5","\\u006dodel":"gpt-4o","messages":[]}'],
      ['a second model in another case', '{"model":"gpt-5","Model":"gpt-4o","messages":[]}'],
      ['a longer name', chat('gpt-5-pro')],
      ['a name behind NUL', '{"model":"gpt-5\\u0000","messages":[]}'],
      ['a list of models', '{"model":["gpt-5","gpt-4o"],"messages":[]}'],
      ['no model', '{"messages":[]}'],
      ['a model deeper down', '{"x":{"model":"gpt-5"},"messages":[]}'],
      ['two documents', `${chat()}${chat('gpt-4o')}`],
      ['a byte order mark', `\ufeff${chat('gpt-4o')}`],
      ['a comment', `{"model":"gpt-5"/*"*/,"model":"gpt-4o"}`],
    ])('runs no other with %s', async (_, body) => {
      const { code, forwarded } = await refusal(besieged.a.limited.token, completions, { body })
      expect(code).toMatch(/^(model_not_allowed|model_duplicated|model_unreadable|body_malformed)$/)
      expect(forwarded).toBe(0)
    })

    it.each([
      [
        'POST',
        '/openai/v1/batches',
        '{"model":"gpt-5","input_file_id":"file-1","endpoint":"/v1/chat/completions"}',
      ],
      ['POST', '/openai/v1/threads/runs', '{"model":"gpt-5","assistant_id":"asst_1"}'],
      ['POST', '/openai/v1/fine_tuning/jobs', '{"model":"gpt-5"}'],
      ['POST', '/openai/v1/evals/e/runs', '{"model":"gpt-5"}'],
      ['POST', '/openai/v1/chat/completions/', chat()],
      ['PUT', '/openai/v1/chat/completions', chat()],
      ['GET', '/openai/v1/files', undefined],
      ['DELETE', '/openai/v1/models/gpt-5', undefined],
    ])('may not use an endpoint whose model Hasp does not see: %s %s', async (method, path, body) => {
      const request = { method, ...(body === undefined ? {} : { body }) }
      expect(await refusal(besieged.a.limited.token, path, request)).toEqual({
        code: 'model_not_allowed',
        forwarded: 0,
      })
    })

    it('runs no other in a form that parsers read differently', async () => {
      const form = (...fields: string[]) =>
        `${fields.map((field) => `--x\r\ncontent-disposition: form-data; ${field}`).join('\r\n')}\r\n--x--\r\n`
      const bodies = [
        form('name="model"\r\n\r\ngpt-5', 'name="model"\r\n\r\ngpt-4o'),
        form('name="model"\r\n\r\ngpt-5', 'name="Model"\r\n\r\ngpt-4o'),
        form('name=model\r\n\r\ngpt-5'),
        form('name="model"; name="x"\r\n\r\ngpt-5'),
        form('name="mod\\el"\r\n\r\ngpt-4o'),
      ]
      for (const body of bodies) {
        const headers = { 'content-type': 'multipart/form-data; boundary=x' }
        const { code, forwarded } = await refusal(
          besieged.a.limited.token,
          '/openai/v1/audio/transcriptions',
          { body, headers },
        )
        expect(code).toMatch(/^(model_|body_malformed)/)
        expect(forwarded).toBe(0)
      }
    })
  })

  describe('and wants more of the provider than a model', () => {
    it.each([
      '/openai/v1/organization/admin_api_keys',
      '/openai/v1/Organization/admin_api_keys',
      '/openai/v1/organization',
      '/openai/v1/projects/p/service_accounts',
      '/openai/v1/realtime/sessions',
      '/openai/v1/realtime/client_secrets/',
      '/v1/organization/costs',
      '/anthropic/v1/organizations/api_keys',
      '/anthropic/v1/oauth/token',
    ])('never gets %s', async (path) => {
      expect(await refusal(besieged.a.agent.token, path, { body: '{}' })).toEqual({
        code: 'endpoint_not_lent',
        forwarded: 0,
      })
    })

    it.each([
      '/openai/v1/./organization',
      '/openai/v1/models/../organization/keys',
      '/openai/v1//organization/keys',
      '/openai/v1/%6frganization/keys',
      '/openai/v1/models/%2e%2e/organization/keys',
      '/openai/v1/models/..%2forganization',
      '/openai/v1/models\\..\\organization',
      '/openai/v1;x/organization/keys',
      '/openai/v1/%256frganization',
      '/openai/v1/organization%00',
      '/openai/v1/org\u00adanization',
      '/openai/../v1/organization',
      '/openai/dashboard/billing',
      '/openai/v2/organization',
      '/anthropic/api/organizations',
    ])('cannot get there by %s', async (path) => {
      const before = besieged.providerRequests()
      const reply = await raw(besieged.hasp.url, [
        `GET ${path} HTTP/1.1`,
        'host: hasp',
        `authorization: Bearer ${besieged.a.agent.token}`,
        'connection: close',
        '',
        '',
      ])
      expect(reply).toMatch(/^HTTP\/1\.1 4\d\d /)
      expect(besieged.providerRequests()).toBe(before)
    })
  })

  describe('and smuggles', () => {
    const head = () => [
      'POST /openai/v1/chat/completions HTTP/1.1',
      'host: hasp',
      `authorization: Bearer ${besieged.a.agent.token}`,
      'content-type: application/json',
    ]
    it.each([
      ['both lengths', ['content-length: 5', 'transfer-encoding: chunked', '', '0\r\n\r\n']],
      ['two lengths', ['content-length: 2', 'content-length: 3', '', '{}x']],
      ['a signed length', ['content-length: +2', '', '{}']],
      ['a coding before chunked', ['transfer-encoding: gzip, chunked', '', '0\r\n\r\n']],
      ['chunked twice', ['transfer-encoding: chunked', 'transfer-encoding: chunked', '', '0\r\n\r\n']],
      ['chunked with a tab', ['transfer-encoding:\tchunked, identity', '', '0\r\n\r\n']],
      ['a folded line', ['x-a: b', ' c: d', 'content-length: 2', '', '{}']],
      ['a space before the colon', ['content-length : 2', '', '{}']],
      ['a bare line feed', ['x-a: b\nx-c: d', 'content-length: 2', '', '{}']],
      ['a bare carriage return', ['x-a: b\rx-c: d', 'content-length: 2', '', '{}']],
      ['a NUL', ['x-a: b\0c', 'content-length: 2', '', '{}']],
      ['an upgrade', ['connection: upgrade', 'upgrade: h2c', 'content-length: 2', '', '{}']],
      ['a header that the next hop is to drop', ['connection: authorization', 'content-length: 2', '', '{}']],
      ['a bad chunk size', ['transfer-encoding: chunked', '', '0x2\r\n{}\r\n0\r\n\r\n']],
      ['a chunk ended by a bare line feed', ['transfer-encoding: chunked', '', '2\n{}\n0\n\n']],
    ])('nothing past Hasp with %s', async (_, rest) => {
      const before = besieged.providerRequests()
      const reply = await raw(besieged.hasp.url, [...head(), ...rest])
      expect(reply).toMatch(/^HTTP\/1\.1 (400|431)/)
      // One answer: nothing behind it was read as a second request.
      expect(reply.match(/HTTP\/1\.1 \d/g)).toHaveLength(1)
      expect(besieged.providerRequests()).toBe(before)
    })

    it('no header of its own to the provider, and no credential in the query', async () => {
      const { a, surroundings } = besieged
      const reply = await send(a.agent.token, `${completions}?api_key=x&%6bey=y&keep=1`, {
        body: chat(),
        headers: {
          'x-hasp-target': 'victim',
          'openai-organization': 'org-theirs',
          'openai-project': 'proj',
          'x-forwarded-for': '10.0.0.1',
          cookie: 'a=b',
          'x-api-key': a.agent.token,
          'api-key': 'sk-foreign',
          traceparent: '00-x',
        },
      })
      expect(reply.status).toBe(200)
      const seen = surroundings.openai.requests().at(-1)
      expect(seen?.path).toBe('/v1/chat/completions?keep=1')
      expect(Object.keys(seen?.headers ?? {}).toSorted()).toEqual(
        [
          'accept',
          'accept-encoding',
          'authorization',
          'connection',
          'content-length',
          'content-type',
          'host',
          'user-agent',
        ].filter((name) => name in (seen?.headers ?? {})),
      )
      expect(JSON.stringify(seen)).not.toContain(a.agent.token)
    })
  })

  describe('and wears Hasp out', () => {
    it('gets 413 for a body beyond the limit, announced or not, and the process stays up', async () => {
      const { a, hasp } = besieged
      const tooMuch = 33_554_433
      const announced = await raw(hasp.url, [
        'POST /openai/v1/chat/completions HTTP/1.1',
        'host: hasp',
        `authorization: Bearer ${a.agent.token}`,
        `content-length: ${tooMuch}`,
        '',
        ' '.repeat(1_000_000),
      ])
      expect(announced).toMatch(/^HTTP\/1\.1 413 /)
      const chunked = await raw(hasp.url, [
        'POST /openai/v1/chat/completions HTTP/1.1',
        'host: hasp',
        `authorization: Bearer ${a.agent.token}`,
        'connection: close',
        'transfer-encoding: chunked',
        '',
        `${tooMuch.toString(16)}\r\n${' '.repeat(tooMuch)}\r\n0\r\n\r\n`,
      ])
      expect(chunked).toContain('body_too_large')
      expect(hasp.context.server.server.listening).toBe(true)
      await expect.poll(() => heldBytes(hasp.url)).toBe(0)
    })

    it('holds up nobody by announcing bodies that it never sends', async () => {
      const { a, b, hasp, call } = besieged
      const sockets = Array.from({ length: 64 }, () => {
        const socket = connect(Number(new URL(hasp.url).port), '127.0.0.1')
        socket.on('error', () => {})
        socket.write(
          `POST ${completions} HTTP/1.1\r\nhost: hasp\r\nauthorization: Bearer ${a.agent.token}\r\ncontent-type: application/json\r\ncontent-length: 33554432\r\n\r\n{`,
        )
        return socket
      })
      // 64 × 32 MiB would be twice what all bodies together may hold.
      await expect.poll(() => heldBytes(hasp.url)).toBe(64)
      expect(await call(b.agent.token)).toMatchObject({ status: 200 })
      for (const socket of sockets) socket.destroy()
      await expect.poll(() => heldBytes(hasp.url)).toBe(0)
    })

    it('leaves nothing behind after ten thousand requests that it broke off', async () => {
      const { a, hasp, call } = besieged
      const pool = new Pool(hasp.url, { connections: 50 })
      const breakOff = async (delayMs: number) => {
        const abort = new AbortController()
        const timer = setTimeout(() => abort.abort(), delayMs)
        await pool
          .request({
            method: 'POST',
            path: completions,
            headers: { authorization: `Bearer ${a.agent.token}`, 'content-type': 'application/json' },
            body: JSON.stringify({
              model: 'gpt-5',
              messages: [{ role: 'user', content: 'x' }],
              stream: true,
            }),
            signal: abort.signal,
          })
          .then((reply) => reply.body.dump())
          .catch(() => {})
        clearTimeout(timer)
      }
      const worker = async (index: number) => {
        for (let i = 0; i < 200; i += 1) await breakOff((index + i) % 7)
      }
      await Promise.all(Array.from({ length: 50 }, (_, index) => worker(index)))
      await pool.destroy()
      await expect.poll(() => gauge(hasp.url, 'hasp_proxy_calls_in_flight'), { timeout: 10_000 }).toBe(0)
      await expect.poll(() => heldBytes(hasp.url)).toBe(0)
      expect(await call(a.agent.token)).toMatchObject({ status: 200 })
      expect(hasp.logLines.filter((line) => line.includes('unexpected'))).toEqual([])
    }, 120_000)

    it('gets 431 for headers beyond any limit', async () => {
      const { a, hasp } = besieged
      const reply = await raw(hasp.url, [
        `GET /openai/v1/models HTTP/1.1`,
        'host: hasp',
        `authorization: Bearer ${a.agent.token}`,
        `x-long: ${'a'.repeat(20_000)}`,
        '',
        '',
      ])
      expect(reply).toMatch(/^HTTP\/1\.1 431 /)
    })
  })

  describe('and looks at the answers', () => {
    it('reads no part of the credential in a 401 of the provider', async () => {
      const { a, call, surroundings } = besieged
      surroundings.openai.setAcceptedCredentials([])
      const reply = await call(a.agent.token)
      surroundings.openai.setAcceptedCredentials(
        [besieged.a, besieged.b].flatMap(({ id }) =>
          ['victim', 'bystander'].map((name) => credentialOf(id, name)),
        ),
      )
      expect(reply.code).toBe('credential_rejected')
      expect(reply.text).not.toContain('sk-test')
      expect(reply.text).not.toContain(credentialOf(a.id, 'victim').slice(-4))
    })

    it('gets no header that the provider did not mean for it', async () => {
      const { a, hasp } = besieged
      const reply = await fetch(`${hasp.url}${completions}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${a.agent.token}`, 'content-type': 'application/json' },
        body: chat(),
      })
      expect(reply.headers.get('openai-organization')).toBeNull()
      expect(reply.headers.get('set-cookie')).toBeNull()
      await reply.text()
    })

    it('cannot reach an address inside by way of Hasp: no base URL leads there', async () => {
      const { a } = besieged
      let seen = 0
      const server = createServer((_, response) => {
        seen += 1
        response.end('{}')
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      const urls = [
        `http://127.0.0.1:${port}`,
        `http://localhost:${port}`,
        'http://169.254.169.254/latest/meta-data',
        'http://[::1]:80',
        'https://api.openai.com@127.0.0.1',
        'https://api.openai.com.attacker.example',
        'file:///etc/passwd',
        'http://api.openai.com',
        '//api.openai.com',
        'https://api.openai.com?x',
      ]
      for (const baseUrl of urls) {
        const body = {
          name: `inside-${urls.indexOf(baseUrl)}`,
          provider: 'openai',
          kekId: a.victimKekId,
          credential: 'sk-0123456789',
          baseUrl,
          validate: false,
        }
        const reply = await a.api('POST', '/api-targets', body)
        expect([baseUrl, reply.status, reply.body.code]).toEqual([baseUrl, 422, 'target_base_url_refused'])
      }
      expect(seen).toBe(0)
      server.close()
    })
  })
})

async function gauge(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
}

function heldBytes(url: string): Promise<number> {
  return gauge(url, 'hasp_proxy_body_bytes_held')
}

/** Sends these lines as they are, and returns everything that comes back until the other side closes. */
async function raw(url: string, lines: readonly string[]): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  let received = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => (received += chunk))
  socket.on('error', () => {})
  socket.write(lines.join('\r\n'), 'latin1')
  await Promise.race([once(socket, 'close'), sleep(10_000)])
  socket.destroy()
  return received
}
