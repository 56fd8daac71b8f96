/** A closed loop of requests over undici, as a process of its own: stands in where wrk is not installed. */
import { Pool } from 'undici'
import { requestBody } from '../exchange.ts'
import type { Entrance } from '../system.ts'

// Written by load.ts alone.
const { entrance, connections, seconds } = JSON.parse(process.argv[2] ?? '') as {
  entrance: Entrance
  connections: number
  seconds: number
}
const pool = new Pool(entrance.url, { connections, pipelining: 1 })
const startedAt = performance.now()
const endsAt = startedAt + seconds * 1000
const latenciesUs: number[] = []
let failures = 0

await Promise.all(Array.from({ length: connections }, ask))
await pool.close()
latenciesUs.sort((a, b) => a - b)
const percentile = (share: number) => Math.round(latenciesUs[Math.floor(latenciesUs.length * share)] ?? 0)
console.log(
  JSON.stringify({
    requests: latenciesUs.length,
    durationUs: Math.round((performance.now() - startedAt) * 1000),
    p50Us: percentile(0.5),
    p99Us: percentile(0.99),
    failures,
  }),
)

async function ask(): Promise<void> {
  const headers = { ...entrance.headers, 'content-type': 'application/json' }
  while (performance.now() < endsAt) {
    const askedAt = performance.now()
    try {
      const { statusCode, body } = await pool.request({
        method: 'POST',
        path: entrance.path,
        headers,
        body: requestBody,
      })
      await body.dump()
      if (statusCode >= 300) failures += 1
      latenciesUs.push((performance.now() - askedAt) * 1000)
    } catch {
      failures += 1
    }
  }
}
