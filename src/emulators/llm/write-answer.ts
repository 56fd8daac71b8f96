import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { ProviderAnswer, ServerSentEvent } from './dialect.ts'

type AnswerPace = { readonly chunkDelayMs: number }

/** Writes a provider's answer; resolves early, without an error, when the caller goes away. */
export async function writeAnswer(
  response: ServerResponse,
  answer: ProviderAnswer,
  headers: Record<string, string>,
  pace: AnswerPace,
): Promise<void> {
  if ('json' in answer) return writeJson(response, answer.status, answer.json, headers)
  response.writeHead(200, {
    ...headers,
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
  })
  await writeEvents(response, answer.events, pace)
  response.end()
}

/** Writes one JSON body with its length. */
export function writeJson(
  response: ServerResponse,
  status: number,
  json: unknown,
  headers: Record<string, string> = {},
): void {
  const body = Buffer.from(JSON.stringify(json))
  response.writeHead(status, {
    ...headers,
    'content-type': 'application/json',
    'content-length': body.byteLength,
  })
  response.end(body)
}

async function writeEvents(response: ServerResponse, events: Iterable<ServerSentEvent>, pace: AnswerPace) {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  try {
    for (const event of events) {
      if (event.isPaced === true && pace.chunkDelayMs > 0) {
        await delay(pace.chunkDelayMs, undefined, { signal: gone.signal })
      }
      if (response.destroyed) return
      if (!response.write(frame(event))) await once(response, 'drain', { signal: gone.signal })
    }
  } catch (error) {
    if (!gone.signal.aborted) throw error
  }
}

function frame(event: ServerSentEvent): string {
  const name = event.event === undefined ? '' : `event: ${event.event}\n`
  return `${name}data: ${event.data}\n\n`
}
