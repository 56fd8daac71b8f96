import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SystemHostNames } from '#kms/azure/host-names.ts'

const NO_ERROR = 0
const SERVFAIL = 2
const NXDOMAIN = 3

/** `alias.example`, as a CNAME record's data. */
const ALIAS = Buffer.from('\x05alias\x07example\x00', 'latin1')

describe('asking the DNS servers whether a vault’s name exists', () => {
  let server: Socket
  let names: SystemHostNames
  let answer: (query: Buffer) => Buffer | undefined
  beforeEach(async () => {
    server = createSocket('udp4')
    server.on('message', (query, { port, address }) => {
      const reply = answer(query)
      if (reply !== undefined) server.send(reply, port, address)
    })
    server.bind(0, '127.0.0.1')
    await once(server, 'listening')
    names = new SystemHostNames([`127.0.0.1:${server.address().port}`])
  })
  afterEach(() => {
    server.close()
  })

  it('knows a name that is an alias, also where a private zone lacks what the alias means', async () => {
    answer = (query) => replyTo(query, NO_ERROR, ALIAS)
    expect(await names.exists('contoso.vault.azure.net')).toBe(true)
  })

  it('knows a name that has records of other types alone', async () => {
    answer = (query) => replyTo(query, NO_ERROR)
    expect(await names.exists('contoso.vault.azure.net')).toBe(true)
  })

  it('knows that a name does not exist', async () => {
    answer = (query) => replyTo(query, NXDOMAIN)
    expect(await names.exists('contoso.vault.azure.net')).toBe(false)
  })

  it('cannot tell while the servers fail or are silent', async () => {
    answer = (query) => replyTo(query, SERVFAIL)
    expect(await names.exists('contoso.vault.azure.net')).toBeUndefined()
    answer = () => undefined
    expect(await names.exists('contoso.vault.azure.net')).toBeUndefined()
  })
})

/** RFC 1035 §4: the question again, and at most one CNAME for it. */
function replyTo(query: Buffer, responseCode: number, cname?: Buffer): Buffer {
  const question = query.subarray(12, query.indexOf(0, 12) + 5)
  const header = Buffer.alloc(12)
  query.copy(header, 0, 0, 2)
  header.writeUInt16BE(0x8180 | responseCode, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(cname === undefined ? 0 : 1, 6)
  if (cname === undefined) return Buffer.concat([header, question])
  const record = Buffer.alloc(12)
  record.writeUInt16BE(0xc00c, 0)
  record.writeUInt16BE(5, 2)
  record.writeUInt16BE(1, 4)
  record.writeUInt32BE(60, 6)
  record.writeUInt16BE(cname.length, 10)
  return Buffer.concat([header, question, record, cname])
}
