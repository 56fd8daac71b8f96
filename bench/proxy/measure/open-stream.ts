import { connect } from 'node:net'
import { streamEvent, streamRequestBody } from '../exchange.ts'
import type { Entrance } from '../system.ts'

export type OpenStream = Readonly<{
  firstByteUs: Promise<number>
  eventsReceived: () => number
  close: () => void
}>

const firstByteWithinMs = 30_000
/** `dd\r\n` before and `\r\n` behind an event of two hexadecimal digits' length. */
const chunkFrameBytes = 6

/**
 * Opens one stream on a connection of its own, as cheaply as can be: what reads a thousand streams runs beside what
 * is measured. Its promise rejects when the stream breaks before its first event.
 */
export function openStream({ url, path, headers }: Entrance): OpenStream {
  const { hostname, port, host } = new URL(url)
  const startedAt = performance.now()
  let head: string | null = ''
  let bytes = 0
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  const firstByteUs = new Promise<number>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`No event: ${head}`)), firstByteWithinMs)
    socket.on('data', (chunk) => {
      bytes += chunk.length
      if (head === null) return
      head += chunk.toString('latin1')
      if (!head.includes('\r\n\r\n') || !head.includes('data:')) return
      head = null
      clearTimeout(timer)
      resolve((performance.now() - startedAt) * 1000)
    })
    const broken = () => reject(new Error(`The stream broke: ${head}`))
    socket.once('error', broken).once('close', broken)
  })
  socket.write(
    [
      `POST ${path} HTTP/1.1`,
      `host: ${host}`,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
      'content-type: application/json',
      `content-length: ${Buffer.byteLength(streamRequestBody)}`,
      '',
      streamRequestBody,
    ].join('\r\n'),
  )
  return {
    firstByteUs,
    // Each event also has the few bytes of its chunk's frame: close enough to see that none is held back.
    eventsReceived: () => Math.floor(bytes / (streamEvent.length + chunkFrameBytes)),
    close: () => socket.destroy(),
  }
}
