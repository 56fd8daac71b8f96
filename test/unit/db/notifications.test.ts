import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listen } from '#db/notifications.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

function startListening(channel: string) {
  const heard: string[] = []
  const counts = { gaps: 0 }
  const listener = listen({
    connection: database.connection,
    channel,
    applicationName: `hasp:${channel}`,
    onMessage: (payload) => heard.push(payload),
    onGap: () => {
      counts.gaps += 1
    },
  })
  return { listener, heard, counts }
}

async function notify(channel: string, payload: string): Promise<void> {
  await database.db.pool.query('SELECT pg_notify($1, $2)', [channel, payload])
}

async function cutOff(channel: string): Promise<void> {
  const query = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1'
  await database.db.pool.query(query, [`hasp:${channel}`])
}

describe('a listener', () => {
  it('hears what is sent on its channel, in order, after it said that it may have missed something', async () => {
    const { listener, heard, counts } = startListening('first')
    await using _ = listener
    await expect.poll(() => counts.gaps).toBe(1)
    expect(listener.isConnected).toBe(true)
    await notify('other', 'not for us')
    await notify('first', 'one')
    await notify('first', 'two')
    await expect.poll(() => heard).toEqual(['one', 'two'])
  })

  it('connects again when it is cut off, says so, and hears again', async () => {
    const { listener, heard, counts } = startListening('second')
    await using _ = listener
    await expect.poll(() => counts.gaps).toBe(1)
    await cutOff('second')
    await expect.poll(() => listener.isConnected).toBe(false)
    await expect.poll(() => counts.gaps).toBe(2)
    await notify('second', 'after')
    await expect.poll(() => heard).toEqual(['after'])
  })

  it('says that it is not connected while the database is away, and can be stopped then', async () => {
    let gaps = 0
    const listener = listen({
      connection: 'postgresql://hasp:hasp@127.0.0.1:1/nowhere',
      channel: 'third',
      onMessage: () => {},
      onGap: () => {
        gaps += 1
      },
    })
    await sleep(300)
    expect(listener.isConnected).toBe(false)
    await listener[Symbol.asyncDispose]()
    expect(gaps).toBe(0)
  })

  it('lets go of its connection when it is disposed of', async () => {
    const { listener, counts } = startListening('fourth')
    await expect.poll(() => counts.gaps).toBe(1)
    await listener[Symbol.asyncDispose]()
    expect(listener.isConnected).toBe(false)
    const query = `SELECT 1 FROM pg_stat_activity WHERE application_name = 'hasp:fourth'`
    await expect.poll(async () => (await database.db.pool.query(query)).rowCount).toBe(0)
  })
})
