import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Sends these lines as they are, and returns what comes back until the other side closes, or `waitMs` have passed. */
export async function rawRequest(url: string, lines: readonly string[], waitMs = 5_000): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  let received = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => (received += chunk))
  socket.on('error', () => {})
  socket.write(lines.join('\r\n'), 'latin1')
  await Promise.race([once(socket, 'close'), sleep(waitMs)])
  socket.destroy()
  return received
}
