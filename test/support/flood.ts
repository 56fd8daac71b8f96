import { once } from 'node:events'
import { connect } from 'node:net'
import type { Database } from '#db/database.ts'
import { untilWaiting } from './until-waiting.ts'

/** One of many requests; each is another. */
export type Stranger = () => Readonly<{ path: string; authorization?: string }>

/** Sends so many GET requests over one connection without waiting for a single answer. Ends with its disposal. */
export async function flood(url: string, count: number, stranger: Stranger): Promise<AsyncDisposable> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.resume().on('error', () => {})
  await once(socket, 'connect')
  const requests = Array.from({ length: count }, () => {
    const { path, authorization } = stranger()
    const credentials = authorization === undefined ? '' : `authorization: ${authorization}\r\n`
    return `GET ${path} HTTP/1.1\r\nhost: hasp\r\n${credentials}\r\n`
  })
  socket.write(requests.join(''))
  return {
    async [Symbol.asyncDispose]() {
      socket.destroy()
      await (socket.closed ? undefined : once(socket, 'close'))
    },
  }
}

/**
 * More strangers than may wait, while the table that they are looked up in is locked: the second flood is sent when
 * what is under way of the first has left the queue, so that the queue is full however fast either is read.
 */
export async function floodLocked(
  url: string,
  database: Database,
  stranger: Stranger,
): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack()
  stack.use(await flood(url, 600, stranger))
  await untilWaiting(database, 2)
  stack.use(await flood(url, 3_000, stranger))
  const owned = stack.move()
  return { [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
