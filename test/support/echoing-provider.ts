import { once } from 'node:events'
import { createServer } from 'node:http'

/**
 * A provider that knows no discretion: it answers 401 to every credential and repeats the whole of it, in the body and
 * in a header.
 */
export async function startEchoingProvider(): Promise<AsyncDisposable & Readonly<{ origin: string }>> {
  const server = createServer((request, response) => {
    const given = request.headers.authorization ?? ''
    const error = { message: `Incorrect API key provided: ${given}`, code: 'invalid_api_key' }
    response.writeHead(401, { 'content-type': 'application/json', 'x-request-id': `for-${given}` })
    response.end(JSON.stringify({ error, key: given.replace(/^Bearer /, '') }))
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
