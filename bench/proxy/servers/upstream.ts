/**
 * A provider as a process of its own: answers one JSON completion, or a slow stream of server-sent events, to whoever
 * brings the right credential.
 */
import { createServer, type ServerResponse } from 'node:http'
import { credential, replyBody, streamEvent } from '../exchange.ts'
import { listenAndSay } from './listen.ts'

/** Each stream gets an event every 200 ms; spread over so many turns, so that not all come at once. */
const eventIntervalMs = 200
const turns = 20

const streams = Array.from({ length: turns }, () => new Set<ServerResponse>())
let turn = 0
setInterval(() => {
  turn = (turn + 1) % turns
  for (const response of streams[turn] ?? []) response.write(streamEvent)
}, eventIntervalMs / turns)

listenAndSay(
  createServer({ keepAliveTimeout: 60_000, noDelay: true }, (request, response) => {
    let body = ''
    request.setEncoding('latin1').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      if (request.headers.authorization !== `Bearer ${credential}`) response.writeHead(401).end()
      else if (body.includes('"stream":true')) stream(response)
      else response.writeHead(200, { 'content-type': 'application/json' }).end(replyBody)
    })
  }),
)

function stream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  response.write(streamEvent)
  const own = streams[Math.floor(Math.random() * turns)]
  own?.add(response)
  response.on('close', () => own?.delete(response))
}
