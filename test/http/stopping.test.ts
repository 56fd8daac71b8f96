import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { startLendingHasp } from '../support/lending-hasp.ts'

type Running = Awaited<ReturnType<typeof startLendingHasp>>

describe('a node that is asked to stop', () => {
  /** A connection on which requests are written by hand, one behind the other. */
  const openConnection = async ({ hasp, lending }: Running) => {
    const socket = connect(Number(new URL(hasp.url).port), '127.0.0.1')
    await once(socket, 'connect')
    const connection = { received: '', isClosed: false, socket }
    socket.setEncoding('utf8').on('data', (chunk: string) => (connection.received += chunk))
    socket.on('error', () => {}).on('close', () => (connection.isClosed = true))
    return Object.assign(connection, {
      chat: (isStream: boolean) => {
        const body = JSON.stringify({
          model: 'gpt-5',
          messages: [{ role: 'user', content: 'x' }],
          stream: isStream,
        })
        socket.write(
          `POST /openai/v1/chat/completions HTTP/1.1\r\nhost: hasp\r\nauthorization: Bearer ${lending.virtualKey}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
        )
      },
    })
  }
  const stop = (running: Running) => {
    const startedAtMs = performance.now()
    return running.hasp.context[Symbol.asyncDispose]().then(() => performance.now() - startedAtMs)
  }

  it('lets a stream end, whole, and only then goes; a kept-alive connection does not hold it up', async () => {
    await using running = await startLendingHasp({ env: { HASP_DRAIN_TIMEOUT_MS: '20000' } })
    running.surroundings.openai.setStream({ chunkDelayMs: 100, chunkCount: 10 })
    const connection = await openConnection(running)
    connection.chat(true)
    await expect.poll(() => connection.received).toContain('data: ')
    const stopped = stop(running)
    expect(await stopped).toBeLessThan(5_000)
    expect(connection.received).toContain('data: [DONE]')
    expect(connection.received).not.toContain('hasp_stopping')
    await expect.poll(() => connection.isClosed).toBe(true)
  }, 30_000)

  it('takes no new connection, and refuses what still comes on an old one, in the dialect, to be tried elsewhere', async () => {
    await using running = await startLendingHasp({ env: { HASP_DRAIN_TIMEOUT_MS: '20000' } })
    running.surroundings.openai.setStream({ chunkDelayMs: 100, chunkCount: 10 })
    const connection = await openConnection(running)
    connection.chat(true)
    await expect.poll(() => connection.received).toContain('data: ')
    const stopped = stop(running)
    await sleep(50)
    const requestsBefore = running.surroundings.openai.requestCount()
    connection.chat(false)
    connection.chat(false)
    await expect(
      once(connect(Number(new URL(running.hasp.url).port), '127.0.0.1'), 'connect'),
    ).rejects.toThrow('ECONNREFUSED')
    await stopped
    const [, refusal = ''] = connection.received.split('data: [DONE]')
    expect(refusal).toContain('HTTP/1.1 503 ')
    expect(refusal).toContain('x-hasp-error: hasp_stopping')
    expect(refusal).toContain('retry-after: 1')
    expect(refusal).toMatch(/connection: close/i)
    expect(refusal).not.toContain('x-should-retry: false')
    expect(running.surroundings.openai.requestCount()).toBe(requestsBefore)
  }, 30_000)

  it('cuts a stream at the end of the drain time, and says so within it', async () => {
    await using running = await startLendingHasp({ env: { HASP_DRAIN_TIMEOUT_MS: '300' } })
    running.surroundings.openai.setStream({ chunkDelayMs: 100, chunkCount: 1000 })
    const connection = await openConnection(running)
    connection.chat(true)
    await expect.poll(() => connection.received).toContain('data: ')
    expect(await stop(running)).toBeLessThan(3_000)
    expect(connection.received).toContain('"code":"hasp_stopping"')
    expect(connection.received).not.toContain('[DONE]')
    await expect.poll(() => connection.isClosed).toBe(true)
    expect(running.hasp.logLines.join('\n')).toContain('cut at the end of the drain time')
  })

  it('is not held up by a connection that sends nothing, or half a request', async () => {
    await using running = await startLendingHasp({ env: { HASP_DRAIN_TIMEOUT_MS: '500' } })
    const silent = await openConnection(running)
    const half: Socket = (await openConnection(running)).socket
    half.write(
      `POST /openai/v1/chat/completions HTTP/1.1\r\nhost: hasp\r\nauthorization: Bearer ${running.lending.virtualKey}\r\ncontent-length: 100\r\n\r\n{`,
    )
    await sleep(100)
    expect(await stop(running)).toBeLessThan(3_000)
    await expect.poll(() => silent.isClosed).toBe(true)
  })

  it('writes the outcome of every call down before it is gone', async () => {
    await using running = await startLendingHasp({ env: { HASP_DRAIN_TIMEOUT_MS: '200' } })
    running.surroundings.openai.setStream({ chunkDelayMs: 50, chunkCount: 1000 })
    const connections = await Promise.all(Array.from({ length: 5 }, () => openConnection(running)))
    for (const connection of connections) connection.chat(true)
    for (const connection of connections) await expect.poll(() => connection.received).toContain('data: ')
    const { db, close } = await secondConnection(running)
    await stop(running)
    const { rows } = await db.query(
      "SELECT kind, count(*)::int AS count FROM ledger_entries WHERE kind LIKE 'receipt.%' GROUP BY kind ORDER BY kind",
    )
    expect(rows).toEqual([
      { kind: 'receipt.opened', count: 5 },
      { kind: 'receipt.settled', count: 5 },
    ])
    await close()
  })
})

/** The database outlives the context, and goes with the whole of `running`. */
async function secondConnection({ hasp }: Running) {
  const { Client } = await import('pg')
  const { options } = hasp.context.database.pool
  const { connectionString, host, port, user, password, database } = options
  const client = new Client(
    connectionString === undefined
      ? { host, port, user, password: String(password), database }
      : { connectionString },
  )
  await client.connect()
  return { db: client, close: () => client.end() }
}
