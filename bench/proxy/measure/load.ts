import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { requestBody } from '../exchange.ts'
import { findInstalled } from '../installed.ts'
import type { Entrance } from '../system.ts'

/** What one closed loop of requests came to; latencies in microseconds. */
type LoadResult = Readonly<{
  requests: number
  durationUs: number
  p50Us: number
  p99Us: number
  /** Answers other than 2xx, and connections that broke. */
  failures: number
}>

export type LoadTool = Readonly<{
  name: string
  run: (entrance: Entrance, connections: number, seconds: number) => Promise<LoadResult>
}>

/** wrk where it is installed, else a generator of our own on undici, which takes more of its core. */
export async function findLoadTool(stack: AsyncDisposableStack): Promise<LoadTool> {
  const wrk = findInstalled('wrk')
  return wrk === undefined ? ownGenerator : wrkTool(stack, wrk)
}

async function wrkTool(stack: AsyncDisposableStack, wrk: string): Promise<LoadTool> {
  const directory = await mkdtemp(join(tmpdir(), 'hasp-bench-wrk-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const script = join(directory, 'request.lua')
  return {
    name: 'wrk',
    async run({ url, path, headers }, connections, seconds) {
      await writeFile(script, luaOf(headers))
      const options = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '30s', '-s', script]
      return runAndRead(wrk, [...options, url + path])
    },
  }
}

const ownGenerator: LoadTool = {
  name: 'a closed loop over undici (wrk is not installed)',
  run: (entrance, connections, seconds) =>
    runAndRead(process.execPath, [
      new URL('generate-load.ts', import.meta.url).pathname,
      JSON.stringify({ entrance, connections, seconds }),
    ]),
}

/** Either tool ends its output by one line of JSON. */
async function runAndRead(program: string, args: readonly string[]): Promise<LoadResult> {
  const { stdout } = await promisify(execFile)(program, args)
  // Written by `done` below or by generate-load.ts.
  const result = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as LoadResult
  if (result.requests === 0) throw new Error(`No answers from ${args.at(-1)}: ${stdout}`)
  return result
}

function luaOf(headers: Entrance['headers']): string {
  const lines = Object.entries({ ...headers, 'content-type': 'application/json' }).map(
    ([name, value]) => `wrk.headers["${name}"] = "${value}"`,
  )
  return `wrk.method = "POST"
wrk.body = [[${requestBody}]]
${lines.join('\n')}
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\\n{"requests":%d,"durationUs":%d,"p50Us":%d,"p99Us":%d,"failures":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
`
}
