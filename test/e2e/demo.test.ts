import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { runDemo, type DemoOptions } from '#cli/demo/demo.ts'
import type { CliIo } from '#cli/io.ts'
import { Screen } from '#cli/demo/screen.ts'
import { runCli, Seen, startCli } from '../support/run-cli.ts'

const seen = new Seen()
let temporary: string

beforeEach(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'hasp-demo-test-'))
  // PostgreSQL does not run as root, and must reach its data through here.
  await chmod(temporary, 0o711)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(temporary, { recursive: true, force: true })
})

describe('hasp demo', () => {
  it('tells the whole story, proves every claim and leaves nothing behind', { timeout: 60_000 }, async () => {
    const { code, stdout, stderr } = await runCli(seen, ['demo'], { TMPDIR: temporary })
    expect(stderr).toBe('')
    expect(stdout).not.toContain('✗')
    for (const line of [
      /✓ openai at \/openai\/v1, streaming/,
      /✓ @anthropic-ai\/sdk at \/v1, by model, plain/,
      /✓ The next call of openai is refused.*\s+403 kek_revoked, [\d.]+ ms after DisableKey/,
      /✓ The next call of @anthropic-ai\/sdk is refused.*\s+403 kek_revoked, [\d.]+ ms after DisableKey/,
      /✓ The running stream of openai was cut\s+[\d.]+ ms after DisableKey/,
      /✓ The running stream of @anthropic-ai\/sdk was cut\s+[\d.]+ ms after DisableKey/,
      /✓ The idle organisation’s stream was cut\s+[\d.]+ ms after DisableKey/,
      /✓ EnableKey: the probe notices.*\s+[\d.]+ ms after EnableKey/,
      /receipt [\da-f-]{36} {2}unwrap [\da-f-]{36}\n.*request ([\da-f-]{36}) = CloudTrail requestID/,
      /errorCode +DisabledException/,
      /^All \d+ claims held, in [\d.]+ s\.$/m,
    ]) {
      expect(stdout).toMatch(line)
    }
    expect(stdout).not.toContain('\u001b')
    expect(code).toBe(0)
    expect(await leftovers()).toEqual([])
  })

  it(
    'fails and says which claims did not hold, where AWS still serves a disabled key',
    { timeout: 60_000 },
    async () => {
      vi.stubEnv('TMPDIR', temporary)
      const { code, output } = await play({ effectDelayMs: 60_000 })
      expect(code).toBe(1)
      expect(output).toMatch(/✗.* The next call of openai is refused/)
      expect(output).toMatch(/it was served, [\d.]+ ms after DisableKey’s answer/)
      expect(output).toMatch(/✗.* The idle organisation’s stream was cut/)
      expect(output).toMatch(/\d+ of \d+ claims did not hold/)
      expect(await leftovers()).toEqual([])
    },
  )

  it('gives machines one JSON value with every claim', { timeout: 60_000 }, async () => {
    vi.stubEnv('TMPDIR', temporary)
    const { code, output } = await play({ json: true })
    const report: { isHeld: boolean; claims: { what: string; isHeld: boolean }[] } = JSON.parse(output)
    expect(report.isHeld).toBe(true)
    expect(report.claims.length).toBeGreaterThan(30)
    expect(report.claims.filter((claim) => !claim.isHeld)).toEqual([])
    expect(code).toBe(0)
  })

  it.each(['the door is ours', '4  The padlock taken away'])(
    'stops everything when it is interrupted at "%s"',
    { timeout: 60_000 },
    async (moment) => {
      await using demo = startCli(seen, ['demo'], { TMPDIR: temporary })
      await demo.printed(moment)
      demo.child.kill('SIGINT')
      const { code, stderr } = await demo.ended()
      expect(code).toBe(130)
      expect(stderr).toContain('Interrupted')
      expect(await leftovers()).toEqual([])
    },
  )
})

describe('the screen of the demo', () => {
  it.each([
    { where: 'on a terminal', isTTY: true, env: {}, isColoured: true },
    { where: 'where NO_COLOR is set', isTTY: true, env: { NO_COLOR: '1' }, isColoured: false },
    { where: 'on a dumb terminal', isTTY: true, env: { TERM: 'dumb' }, isColoured: false },
    { where: 'in a pipe', isTTY: false, env: {}, isColoured: false },
  ])('$where is coloured: $isColoured', async ({ isTTY, env, isColoured }) => {
    const { io, output } = recordingIo({ isTTY, env })
    const screen = new Screen(io, { isJson: false, interrupted: new AbortController().signal })
    await screen.claim('It is so', () => 'proven')
    expect(output()).toContain('✓')
    expect(output().includes('\u001b[')).toBe(isColoured)
  })
})

/** Plays the demo in this process, as somebody at a terminal would see it. */
async function play(options: DemoOptions): Promise<{ code: number; output: string }> {
  const { io, output } = recordingIo({ isTTY: true, env: {} })
  return { code: await runDemo(io, options), output: output() }
}

function recordingIo({ isTTY, env }: { isTTY: boolean; env: Record<string, string> }) {
  let output = ''
  const sink = new Writable({
    write(chunk: Buffer, _, done) {
      output += chunk.toString()
      done()
    },
  })
  const io: CliIo = {
    argv: ['demo'],
    env,
    stdin: Readable.from([]),
    stdout: Object.assign(sink, { isTTY }),
    stderr: new Writable(),
    onSignal: () => {},
  }
  return { io, output: () => output }
}

/** Files in the demo's temporary directory, and processes that were started on them. */
async function leftovers(): Promise<string[]> {
  const processes: string[] = []
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (commandLine.includes(temporary)) processes.push(commandLine.replaceAll('\0', ' '))
  }
  return [...(await readdir(temporary)), ...processes]
}
