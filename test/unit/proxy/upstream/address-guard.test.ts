import { describe, expect, it } from 'vitest'
import { AddressGuard, isPublicAddress } from '#proxy/upstream/address-guard.ts'
import { UpstreamTransport } from '#proxy/upstream/upstream-transport.ts'
import { echoHashes, exchange, requestTo, seenOf, serve } from './upstream-fixture.ts'

describe('an address', () => {
  it.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '100.100.100.200',
    '127.0.0.1',
    '127.255.255.254',
    '168.63.129.16',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.192',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '239.255.255.255',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::ffff:7f00:1',
    '::127.0.0.1',
    '64:ff9b::a00:1',
    '64:ff9b:1::1',
    '100::1',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::',
    '2002:a00:1::1',
    '3fff::1',
    '5f00::1',
    '',
    'localhost',
    '0x7f000001',
    '2130706433',
    '127.1',
  ])('is refused: %s', (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })

  it.each([
    '1.1.1.1',
    '104.18.6.192',
    '172.15.0.1',
    '172.32.0.1',
    '100.128.0.1',
    '2606:4700::6812:7c0',
    '2a00:1450::1',
  ])('is let through: %s', (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })
})

describe('an origin', () => {
  const guard = new AddressGuard(['http://vllm.internal:8000/', 'https://10.0.0.5'])

  it('that the operator has named may have a private address; another port or scheme of it may not', () => {
    expect(guard.isAddressAllowed('http://vllm.internal:8000', '10.0.0.9')).toBe(true)
    expect(guard.isAddressAllowed('http://vllm.internal:8001', '10.0.0.9')).toBe(false)
    expect(guard.isAddressAllowed('https://vllm.internal:8000', '10.0.0.9')).toBe(false)
  })

  it('must be HTTPS unless the operator has named it', () => {
    expect(guard.isOriginAllowed('https://api.openai.com')).toBe(true)
    expect(guard.isOriginAllowed('http://api.openai.com')).toBe(false)
    expect(guard.isOriginAllowed('http://vllm.internal:8000')).toBe(true)
  })
})

describe('a request', () => {
  const forbidden = [
    'https://127.0.0.1',
    'https://2130706433',
    'https://0x7f.1',
    'https://0177.0.0.1',
    'https://127.1',
    'https://[::1]',
    'https://[::ffff:127.0.0.1]',
    'https://[::ffff:7f00:1]',
    'https://[64:ff9b::a9fe:a9fe]',
    'https://169.254.169.254',
    'https://localhost',
    'https://①②⑦.0.0.1',
    'http://1.1.1.1',
    'https://user@1.1.1.1',
    'https://user:secret@1.1.1.1',
    'https://1.1.1.1/path',
    'https://1.1.1.1?query',
    'https://1.1.1.1#hash',
    'ftp://1.1.1.1',
    'file:///etc/passwd',
    'not an origin',
    '',
  ]

  it.each(forbidden)('to %s is refused before anything is sent', async (origin) => {
    await using transport = new UpstreamTransport()
    await expect(exchange(transport, requestTo(origin))).rejects.toMatchObject({
      code: 'address-refused',
      isCredentialSent: false,
    })
    expect(transport.unsentCount).toBe(0)
  })

  it('to a public name is refused when even one of its addresses is private', async () => {
    await using transport = new UpstreamTransport(
      {},
      {
        resolveAll: (_hostname, _options, callback) =>
          callback(null, [
            { address: '1.1.1.1', family: 4 },
            { address: '127.0.0.1', family: 4 },
          ]),
      },
    )
    await expect(exchange(transport, requestTo('https://rebinding.example'))).rejects.toMatchObject({
      code: 'address-refused',
    })
  })

  it('goes to the very address that was checked: the name is resolved once for each connection', async () => {
    await using server = await serve(echoHashes)
    const { port } = new URL(server.origin)
    const origin = `http://pinned.example:${port}`
    const resolved: string[] = []
    await using transport = new UpstreamTransport(
      { allowedOrigins: [origin] },
      {
        resolveAll: (hostname, _options, callback) => {
          resolved.push(hostname)
          callback(null, [{ address: '127.0.0.1', family: 4 }])
        },
      },
    )
    expect((await seenOf(transport, requestTo(origin))).bodyBytes).toBe(2)
    expect(resolved).toEqual(['pinned.example'])
  })

  it('does not follow a redirect, least of all with its credential', async () => {
    let hits = 0
    await using inner = await serve((_request, response) => {
      hits += 1
      response.end()
    })
    await using server = await serve((_request, response) => {
      response.writeHead(307, { location: `${inner.origin}/stolen` }).end()
    })
    await using transport = new UpstreamTransport({ allowedOrigins: [server.origin, inner.origin] })
    expect((await exchange(transport, requestTo(server.origin))).status).toBe(307)
    expect(hits).toBe(0)
  })
})
