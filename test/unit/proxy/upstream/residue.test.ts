import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { createSelfSignedCertificate } from '#emulators/llm/self-signed-certificate.ts'
import { serve, sha256 } from './upstream-fixture.ts'

const CHILD = fileURLToPath(new URL('residue-child.ts', import.meta.url))
const REQUESTS = 240
const CHUNK_BYTES = 4 * 1024 * 1024

/** How often `needle` stands in the memory of a process of ours (Linux: /proc/PID/mem). */
function countInMemory(pid: number, needle: Buffer): number {
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  let count = 0
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const region = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line)
      if (region === null) continue
      count += countInRegion(memory, Number(`0x${region[1]}`), Number(`0x${region[2]}`), needle)
    }
  } finally {
    closeSync(memory)
  }
  return count
}

function countInRegion(memory: number, from: number, to: number, needle: Buffer): number {
  const chunk = Buffer.alloc(CHUNK_BYTES)
  let count = 0
  for (let at = from; at < to; at += CHUNK_BYTES - needle.byteLength) {
    const length = readOrNothing(memory, chunk, Math.min(CHUNK_BYTES, to - at), at)
    for (let found = chunk.indexOf(needle); found !== -1 && found + needle.byteLength <= length;) {
      count += 1
      found = chunk.indexOf(needle, found + 1)
    }
  }
  return count
}

/** Reserved but never touched pages cannot be read. */
function readOrNothing(memory: number, chunk: Buffer, length: number, at: number): number {
  try {
    return readSync(memory, chunk, 0, length, at)
  } catch {
    return 0
  }
}

async function copiesLeft(scheme: 'http' | 'https', way: 'transport' | 'string') {
  const secret = randomBytes(48).toString('hex')
  const masked = Buffer.from(Buffer.from(secret).map((byte) => byte ^ 0x5a))
  const tls = createSelfSignedCertificate()
  let arrived = 0
  await using server = await serve(
    (request, response) => {
      if (sha256(request.headers.authorization ?? '') === sha256(`Bearer ${secret}`)) arrived += 1
      request.resume().on('end', () => response.end('{}'))
    },
    scheme === 'https' ? tls : undefined,
  )
  const task = {
    origin: server.origin,
    ca: tls.cert,
    masked: masked.toString('hex'),
    requests: REQUESTS,
    way,
  }
  const child: ChildProcess = spawn(process.execPath, [CHILD, JSON.stringify(task)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  try {
    await Promise.race([
      child.stdout === null ? undefined : once(child.stdout, 'data'),
      once(child, 'exit').then(() => Promise.reject(new Error('the child has failed'))),
    ])
    expect(arrived).toBe(REQUESTS)
    return countInMemory(child.pid ?? 0, Buffer.from(secret))
  } finally {
    child.stdin?.write('\n')
    if (child.exitCode === null) await once(child, 'exit')
  }
}

describe.runIf(process.platform === 'linux')('the memory of a process that has sent credentials', () => {
  it.each(['http', 'https'] as const)('holds no copy of any of them, over %s', async (scheme) => {
    expect(await copiesLeft(scheme, 'transport')).toBe(0)
  })

  it('is searched well: it does show copies when the credential was a header string', async () => {
    expect(await copiesLeft('https', 'string')).toBeGreaterThan(10)
  })
})
