import { once } from 'node:events'
import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'

/** Stands between Hasp and an emulated AWS, and learns every secret that passes. */
export type AwsRelay = AsyncDisposable &
  Readonly<{
    url: string
    /** DEKs, as they went to Encrypt and came from Decrypt. */
    deks: Buffer[]
    /** Secret access keys and session tokens of assumed roles. */
    sessionSecrets: string[]
  }>

/** Hands every request on as it came: the signature covers the headers, `host` among them. */
export async function startAwsRelay(target: string): Promise<AwsRelay> {
  const deks: Buffer[] = []
  const sessionSecrets: string[] = []
  const learn = (text: string) => {
    for (const [, base64 = ''] of text.matchAll(/"Plaintext":"([^"]+)"/g))
      deks.push(Buffer.from(base64, 'base64'))
    for (const [, , secret = ''] of text.matchAll(/<(SecretAccessKey|SessionToken)>([^<]+)</g))
      sessionSecrets.push(secret)
  }
  const relay = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await buffer(request)
    const { method, url, headers } = request
    const forwarded = send(new URL(url ?? '/', target), { method, headers })
    const answered = once(forwarded, 'response')
    forwarded.end(body)
    // 'response' comes with exactly one IncomingMessage.
    const [answer] = (await answered) as [IncomingMessage]
    const answerBody = await buffer(answer)
    learn(body.toString())
    learn(answerBody.toString())
    response.writeHead(answer.statusCode ?? 502, answer.rawHeaders).end(answerBody)
  }
  const server = createServer((request, response) => {
    relay(request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The relay has no TCP address.')
  return {
    url: `http://127.0.0.1:${address.port}`,
    deks,
    sessionSecrets,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
