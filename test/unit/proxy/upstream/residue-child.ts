import { createInterface } from 'node:readline'
import { Pool } from 'undici'
import { UpstreamTransport } from '#proxy/upstream/upstream-transport.ts'

/**
 * A process of its own for the residue test: sends requests with a credential that it only ever holds masked,
 * then says so and waits for a line, so that its parent can look through its memory.
 */
type Task = { origin: string; ca: string; masked: string; requests: number; way: 'transport' | 'string' }

const MASK = 0x5a
const [, , argument = '{}'] = process.argv
// The parent writes exactly this shape.
const task: Task = JSON.parse(argument)
const masked = Buffer.from(task.masked, 'hex')

function openInto(out: Buffer, offset: number): number {
  for (let index = 0; index < masked.byteLength; index += 1) out[offset + index] = (masked[index] ?? 0) ^ MASK
  return masked.byteLength
}

/** Bodies that are merged with the head, that are not, and none at all. */
function bodyOf(index: number): Buffer | null {
  const large = 17_000 + ((index * 7919) % 90_000)
  const bytes = [large, large, 200, 0][index % 4] ?? 0
  return bytes === 0 ? null : Buffer.alloc(bytes, 'b')
}

/** Of ever new length, so that a copy left in freed memory is not soon covered by the next of the same shape. */
function pathOf(index: number): string {
  return `/${'p'.repeat(3000 + index * 8)}`
}

async function sendByTransport(): Promise<void> {
  const { origin, ca } = task
  await using transport = new UpstreamTransport({ allowedOrigins: [origin], ca })
  const send = (index: number) =>
    new Promise<void>((resolve, reject) => {
      const credential = { headerName: 'authorization', prefix: 'Bearer ', lengthMax: 256, openInto }
      const timeouts = { headersTimeoutMs: 10_000, bodyTimeoutMs: 10_000 }
      transport.send(
        {
          origin,
          method: 'POST',
          path: pathOf(index),
          headers: [],
          credential,
          body: bodyOf(index),
          ...timeouts,
        },
        {
          onHeaders: (status) => (status === 200 ? undefined : reject(new Error(`status ${status}`))),
          onData: () => true,
          onEnd: () => resolve(),
          onError: reject,
        },
      )
    })
  for (let index = 0; index < task.requests; index += 8) {
    await Promise.all(Array.from({ length: 8 }, (_, offset) => send(index + offset)))
  }
}

/** The way that must be found out, or the search proves nothing: the credential as a header string. */
async function sendAsString(): Promise<void> {
  const pool = new Pool(task.origin, { connections: 8, connect: { ca: task.ca } })
  for (let index = 0; index < task.requests; index += 1) {
    const out = Buffer.alloc(256)
    const authorization = `Bearer ${out.toString('latin1', 0, openInto(out, 0))}`
    out.fill(0)
    const answer = await pool.request({
      path: pathOf(index),
      method: 'POST',
      headers: { authorization },
      body: bodyOf(index),
    })
    await answer.body.dump()
  }
  await pool.close()
}

await (task.way === 'transport' ? sendByTransport() : sendAsString())
process.stdout.write('ready\n')
createInterface({ input: process.stdin }).once('line', () => process.exit(0))
