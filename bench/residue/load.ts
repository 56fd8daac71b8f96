import { Pool } from 'undici'

type Load = Readonly<{ url: string; virtualKey: string; requests: number; concurrency: number }>

/** What became of the requests, counted. */
export type LoadResult = Record<
  'answered' | 'streamed' | 'cut in the stream' | 'cut before the answer',
  number
>

type Kind = keyof LoadResult

/** One in ten of each disturbance; the rest are plain, every fourth of them with a body of 100 KB. */
const kinds: readonly Kind[] = [
  'answered',
  'streamed',
  'answered',
  'cut in the stream',
  'answered',
  'cut before the answer',
  'answered',
  'streamed',
  'answered',
  'answered',
]
const largeTextBytes = 100_000

/** Sends requests over real HTTP, so many at a time, to both providers in turn. @throws {Error} when one is refused */
export async function runLoad(load: Load, onHalf: () => Promise<void>): Promise<LoadResult> {
  await using pool = closing(new Pool(load.url, { connections: load.concurrency }))
  const result: LoadResult = {
    answered: 0,
    streamed: 0,
    'cut in the stream': 0,
    'cut before the answer': 0,
  }
  let next = 0
  let half: Promise<void> | undefined
  const worker = async () => {
    while (next < load.requests) {
      const index = next++
      if (index >= load.requests / 2) half ??= onHalf()
      const kind = kinds[index % kinds.length] ?? 'answered'
      await send(pool.pool, load.virtualKey, index, kind)
      result[kind] += 1
    }
  }
  await Promise.all(Array.from({ length: load.concurrency }, worker))
  await half
  return result
}

async function send(pool: Pool, virtualKey: string, index: number, kind: Kind): Promise<void> {
  const isAnthropic = index % 20 >= 10
  const content =
    index % 8 === 0 ? 'a'.repeat(largeTextBytes) : 'In which year was the Peace of Westphalia signed?'
  const isStream = kind === 'streamed' || kind === 'cut in the stream'
  const cut = new AbortController()
  if (kind === 'cut before the answer') setTimeout(() => cut.abort(), index % 12)
  try {
    const { statusCode, body } = await pool.request({
      method: 'POST',
      path: isAnthropic ? '/anthropic/v1/messages' : '/openai/v1/chat/completions',
      headers: {
        'content-type': 'application/json',
        ...(isAnthropic
          ? { 'x-api-key': virtualKey, 'anthropic-version': '2023-06-01' }
          : { authorization: `Bearer ${virtualKey}` }),
      },
      body: JSON.stringify({
        model: isAnthropic ? 'claude-opus-5' : 'gpt-5',
        max_tokens: 64,
        messages: [{ role: 'user', content }],
        stream: isStream,
      }),
      signal: cut.signal,
    })
    if (statusCode !== 200) throw new Error(`HTTP ${statusCode} ${await body.text()}`)
    for await (const _ of body) if (kind === 'cut in the stream') cut.abort()
  } catch (error) {
    if (!cut.signal.aborted) throw error
  }
}

function closing(pool: Pool): AsyncDisposable & { pool: Pool } {
  return { pool, [Symbol.asyncDispose]: () => pool.destroy() }
}
