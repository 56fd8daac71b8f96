import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { ReplySink } from '#proxy/upstream/upstream-request.ts'
import { UpstreamTransport } from '#proxy/upstream/upstream-transport.ts'
import { RecordingSink } from './recording-sink.ts'
import { echoHashes, exchange, requestTo, serve } from './upstream-fixture.ts'

const MIB = 1024 * 1024

describe('a sink that pauses', () => {
  it('holds back a flood of 100 MiB at its source, beyond the body timeout, and then gets all of it', async () => {
    const floodBytes = 100 * MIB
    let written = 0
    await using server = await serve((_request, response) => {
      const chunk = Buffer.alloc(64 * 1024, 'f')
      const pump = () => {
        while (written < floodBytes) {
          written += chunk.byteLength
          if (!response.write(chunk)) {
            response.once('drain', pump)
            return
          }
        }
        response.end()
      }
      pump()
    })
    await using transport = new UpstreamTransport({ allowedOrigins: [server.origin] })
    let received = 0
    let isPausing = true
    const { promise: done, resolve, reject } = Promise.withResolvers<void>()
    const sink: ReplySink = {
      onHeaders: () => undefined,
      onData: (chunk) => {
        received += chunk.byteLength
        return !isPausing
      },
      onEnd: () => resolve(),
      onError: reject,
    }
    const exchanged = transport.send(requestTo(server.origin, { bodyTimeoutMs: 200 }), sink)
    await delay(600)
    // What the kernel's buffers on both ends and one read of ours may hold.
    expect(received).toBeLessThanOrEqual(MIB)
    expect(written).toBeLessThan(20 * MIB)
    isPausing = false
    exchanged.resume()
    await done
    expect(received).toBe(floodBytes)
  })
})

describe('connections to one origin', () => {
  it('are as many as allowed, and further requests wait their turn', async () => {
    let open = 0
    let openMax = 0
    await using server = await serve((_request, response) => {
      open += 1
      openMax = Math.max(openMax, open)
      setTimeout(() => {
        open -= 1
        response.end('ok')
      }, 5)
    })
    await using transport = new UpstreamTransport({ allowedOrigins: [server.origin], connectionsMax: 3 })
    await Promise.all(Array.from({ length: 20 }, () => exchange(transport, requestTo(server.origin))))
    expect(openMax).toBe(3)
  })
})

describe('origins', () => {
  it('beyond the bound close the idle one that was used longest ago', async () => {
    await using a = await serve(echoHashes)
    await using b = await serve(echoHashes)
    await using c = await serve(echoHashes)
    const allowedOrigins = [a.origin, b.origin, c.origin]
    await using transport = new UpstreamTransport({ allowedOrigins, originsMax: 2 })
    for (const { origin } of [a, b, a, c]) await exchange(transport, requestTo(origin))
    await expect.poll(() => [a, b, c].map(({ sockets }) => sockets.size)).toEqual([1, 0, 1])
    expect((await exchange(transport, requestTo(b.origin))).status).toBe(200)
  })

  it('that are all busy give way to none: the newcomer is refused', async () => {
    await using busy = await serve((_request, response) => void response.write('…'))
    await using other = await serve(echoHashes)
    await using transport = new UpstreamTransport({
      allowedOrigins: [busy.origin, other.origin],
      originsMax: 1,
    })
    const sink = new RecordingSink()
    const exchanged = transport.send(requestTo(busy.origin), sink)
    await expect.poll(() => sink.chunks.length).toBe(1)
    await expect(exchange(transport, requestTo(other.origin))).rejects.toMatchObject({
      code: 'connect-failed',
    })
    exchanged.abort()
    await expect(sink.done).rejects.toMatchObject({ code: 'aborted' })
    expect((await exchange(transport, requestTo(other.origin))).status).toBe(200)
  })
})
