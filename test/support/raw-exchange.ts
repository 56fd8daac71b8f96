import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** What a server wrote over one connection: heads and bodies as they came. */
export type RawExchange = Readonly<{ text: string; isClosed: boolean }>

/**
 * Writes these bytes (Latin-1) as they are over a connection of their own, and reads until `isWhole` says so, the
 * server closes, or `waitMs` have passed.
 */
export async function exchangeRaw(
  url: string,
  bytes: string,
  isWhole: (text: string) => boolean = () => false,
  waitMs = 10_000,
): Promise<RawExchange> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  const whole = Promise.withResolvers<void>()
  let text = ''
  let isClosed = false
  socket
    .on('error', () => {})
    .on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (isWhole(text)) whole.resolve()
    })
  const closed = once(socket, 'close').then(() => (isClosed = true))
  socket.write(bytes, 'latin1')
  await Promise.race([whole.promise, closed, sleep(waitMs, undefined, { ref: false })])
  socket.destroy()
  return { text, isClosed }
}

/** How many answers begin in `text`; 1xx ones do not count. */
export function countAnswers(text: string): number {
  return text.match(/HTTP\/1\.1 [2-9]\d\d /g)?.length ?? 0
}
