import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { brotliCompressSync, gzipSync } from 'node:zlib'

/** How the provider answers: by default 401, plain and in one piece. */
export type Echo = Readonly<{ status?: number; encoding?: 'gzip' | 'br'; isInPieces?: boolean }>

/**
 * A provider that knows no discretion: it refuses every credential and repeats the whole of it, in the body and in a
 * header.
 */
export async function startEchoingProvider(
  echo: () => Echo = () => ({}),
): Promise<AsyncDisposable & Readonly<{ origin: string }>> {
  const server = createServer((request, response) => {
    const { status = 401, encoding, isInPieces = false } = echo()
    const given = request.headers.authorization ?? ''
    const error = { message: `Incorrect API key provided: ${given}`, code: 'invalid_api_key' }
    const text = JSON.stringify({ error, key: given.replace(/^Bearer /, '') })
    const encode = { gzip: gzipSync, br: brotliCompressSync, plain: (bytes: Buffer) => bytes }[
      encoding ?? 'plain'
    ]
    const body = encode(Buffer.from(text))
    response.writeHead(status, {
      'content-type': 'application/json',
      'x-request-id': `for-${given}`,
      ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
      ...(isInPieces ? {} : { 'content-length': body.length }),
    })
    void writeInPieces(response, body, isInPieces ? 7 : body.length)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The provider has no TCP address.')
  return {
    origin: `http://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function writeInPieces(response: ServerResponse, body: Buffer, pieceBytes: number): Promise<void> {
  response.on('error', () => {})
  for (let at = 0; at < body.length; at += pieceBytes) {
    response.write(body.subarray(at, at + pieceBytes))
    await nextTurn()
  }
  response.end()
}
