import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { CredentialMark } from '#proxy/credential-mark.ts'
import { ErrorReply } from '#proxy/error-reply.ts'

const credential = 'sk-ant-api03-5f0c1b7a9d3e4f6081726354'
const text = JSON.stringify({ error: { message: `invalid x-api-key: ${credential}` } })
const maskedText = text.replace(credential, '*'.repeat(credential.length))

function replyOf(headers: string[], ...chunks: Buffer[]) {
  const mark = new CredentialMark()
  mark.note(Buffer.from(credential), 0, credential.length)
  const reply = new ErrorReply(400, headers, mark)
  const isAllTaken = chunks.map((chunk) => reply.add(chunk)).every(Boolean)
  const { headers: flat, body } = reply.masked()
  const fields = Object.fromEntries(
    flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1]]] : [])),
  )
  return { isAllTaken, headers: fields, text: body.toString() }
}

describe('an error of a provider', () => {
  it.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
  ])('is read through its encoding, %s, and handed on without it', (encoding, encode) => {
    const encoded = encode(Buffer.from(text))
    const half = encoded.length >> 1
    const reply = replyOf(
      [
        'content-type',
        'application/json',
        'content-encoding',
        encoding,
        'content-length',
        `${encoded.length}`,
      ],
      encoded.subarray(0, half),
      encoded.subarray(half),
    )
    expect(reply.text).toBe(maskedText)
    expect(reply.headers).toEqual({ 'content-type': 'application/json', 'content-length': `${text.length}` })
  })

  it('keeps its body from the caller where it is encoded twice', () => {
    const twice = brotliCompressSync(gzipSync(Buffer.from(text)))
    const inOne = replyOf(['content-encoding', 'gzip, br'], twice)
    const inTwo = replyOf(['content-encoding', 'br', 'content-encoding', 'gzip'], twice)
    for (const { text: body, headers } of [inOne, inTwo]) {
      expect(body).toBe('')
      expect(headers).toEqual({ 'content-length': '0' })
    }
  })

  it('is read as it is where a header has a value that looks like another name', () => {
    const reply = replyOf(['x-hasp-target', 'content-encoding', 'x-hasp-unwrap', 'br'], Buffer.from(text))
    expect(reply.text).toBe(maskedText)
  })

  it('tells its length also where the provider sent it in chunks', () => {
    expect(replyOf([], Buffer.from(text.slice(0, 50)), Buffer.from(text.slice(50)))).toMatchObject({
      text: maskedText,
      headers: { 'content-length': `${text.length}` },
    })
  })

  it.each([
    ['an encoding that nobody asked for', ['content-encoding', 'compress'], Buffer.from(text)],
    ['two encodings', ['content-encoding', 'gzip, br'], brotliCompressSync(gzipSync(text))],
    ['not what its encoding says', ['content-encoding', 'gzip'], Buffer.from(text)],
    ['more than it seems', ['content-encoding', 'gzip'], gzipSync(Buffer.alloc(10_000_000))],
    ['too long for an error', [], Buffer.alloc(100_000, 'x')],
  ])('is handed on without its body where that is %s', (_, headers, body) => {
    const reply = replyOf(['content-type', 'application/json', 'retry-after', '7', ...headers], body)
    expect(reply).toMatchObject({ text: '', headers: { 'retry-after': '7', 'content-length': '0' } })
    expect(Object.keys(reply.headers).sort()).toEqual(['content-length', 'retry-after'])
  })

  it('says when it is too long, so that no more of it is read', () => {
    expect(replyOf([], Buffer.alloc(65_536), Buffer.alloc(1)).isAllTaken).toBe(false)
    expect(replyOf([], Buffer.alloc(65_536)).isAllTaken).toBe(true)
  })

  it('keeps its headers where it has no body, as the answer to HEAD', () => {
    expect(replyOf(['content-length', '120', 'content-encoding', 'gzip']).headers).toEqual({
      'content-length': '120',
      'content-encoding': 'gzip',
    })
  })

  it('names the credential in no header', () => {
    expect(replyOf(['x-request-id', `for ${credential}`]).headers).toEqual({
      'x-request-id': `for ${'*'.repeat(credential.length)}`,
    })
  })
})
