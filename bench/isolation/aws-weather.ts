/**
 * AWS KMS and STS as a process of its own, with a front that keeps one customer's key waiting, or throttles it, and
 * lets every other through as it is. `POST /_weather {"key", "latencyMs", "isThrottled"}` sets it.
 */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { startAwsEmulator } from '#emulators/aws/aws-emulator.ts'
import { listenAndSay } from '../proxy/servers/listen.ts'
import type { Weather } from './weather.ts'

const emulator = await startAwsEmulator({ region: 'eu-central-1' })
let weather: Weather = { key: '', latencyMs: 0, isThrottled: false }

listenAndSay(
  createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    serve(request, response).catch(() => response.destroy())
  }),
)

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await buffer(request)
  if (request.url === '/_weather') {
    // Sent by weather.ts, in just this shape.
    weather = JSON.parse(body.toString()) as Weather
    response.end()
    return
  }
  const isHit = weather.key !== '' && isDecrypt(request) && body.includes(weather.key)
  if (isHit && weather.latencyMs > 0) await sleep(weather.latencyMs)
  if (isHit && weather.isThrottled) {
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': randomUUID() }
    response.writeHead(400, headers).end('{"__type":"ThrottlingException","message":"Rate exceeded"}')
    return
  }
  const { method = 'GET', url = '/', headers } = request
  const forwarded = send(new URL(url, emulator.url), { method, headers })
  const answered = once(forwarded, 'response')
  forwarded.end(body)
  // 'response' comes with exactly one IncomingMessage.
  const [answer] = (await answered) as [IncomingMessage]
  response.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
  response.end(await buffer(answer))
}

function isDecrypt({ headers }: IncomingMessage): boolean {
  return headers['x-amz-target'] === 'TrentService.Decrypt'
}
