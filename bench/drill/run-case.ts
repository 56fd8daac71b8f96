import { Readable, Writable } from 'node:stream'
import type { Drill } from '#cli/api/replies.ts'
import { runCli } from '#cli/hasp.ts'
import type { ManagementApi } from '../hasp/management-api.ts'
import type { ServedHasp } from '../hasp/serve-hasp.ts'
import type { Cloud } from './cloud.ts'
import type { Levers } from './levers.ts'
import { worstMoment } from './worst-moment.ts'

export type Case = Readonly<{ cloud: Cloud; delayMs: number; ceilingMs: number }>
export type CaseResult = Case & Readonly<{ exitCode: number; drill: Drill }>

const settle = '5s'

/** One `hasp drill`, as an operator types it, on a KEK of its own. */
export async function runCase(
  hasp: ServedHasp & { token: string },
  api: ManagementApi,
  levers: Levers,
  one: Case,
  attempt: number,
): Promise<CaseResult> {
  const { cloud, delayMs, ceilingMs } = one
  const unwrapMode = ceilingMs === 0 ? 'strict' : 'cached'
  const name = `${cloud.name}-${unwrapMode}-${delayMs}-${attempt}`.toLowerCase().replaceAll(' ', '-')
  const rules = { name, unwrapMode, cacheCeilingMs: ceilingMs, probeIntervalMs: 0 }
  const { kekId, drilled } = await cloud.newKey(api, rules)
  const verification = await api('POST', `/keks/${kekId}/verify`)
  if (verification['isPassed'] !== true) throw new Error(`${name}: ${JSON.stringify(verification['checks'])}`)
  const withdraw = levers.add(`withdraw-${name}`, async () => {
    if (ceilingMs > 0) await worstMoment(api, kekId, delayMs)
    await drilled.withdraw(delayMs)
  })
  const restore = levers.add(`restore-${name}`, () => drilled.restore())
  const commands = ['--withdraw-command', withdraw, '--restore-command', restore]
  const { exitCode, stdout, stderr } = await typed(hasp, [
    'drill',
    name,
    '--yes',
    '--json',
    '--settle',
    settle,
    ...commands,
  ])
  if (stdout === '') throw new Error(`${name}: ${stderr}`)
  // What `--json` prints is the API's own representation.
  return { ...one, exitCode, drill: JSON.parse(stdout) as Drill }
}

async function typed({ url, token }: { url: string; token: string }, argv: readonly string[]) {
  const printed = { stdout: '', stderr: '' }
  const into = (name: 'stdout' | 'stderr') =>
    new Writable({
      write(chunk: Buffer, _, done) {
        printed[name] += chunk.toString()
        done()
      },
    })
  const exitCode = await runCli({
    argv,
    env: { HASP_URL: url, HASP_TOKEN: token },
    stdin: Readable.from([]),
    stdout: into('stdout'),
    stderr: into('stderr'),
    onSignal: () => {},
  })
  return { exitCode, ...printed }
}
