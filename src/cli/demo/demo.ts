import { CliError } from '#cli/cli-error.ts'
import { printError, type CliIo } from '#cli/io.ts'
import { compareRecords } from './compare-records.ts'
import { lendToAgents } from './lend.ts'
import { registerPadlock } from './register-padlock.ts'
import { revokeUnderLoad, revokeWhileIdle } from './revoke.ts'
import { setScene, type Scene } from './scene.ts'
import { demand, Screen } from './screen.ts'

export type DemoOptions = Readonly<{
  json?: boolean
  /** How long the emulated AWS takes to act on DisableKey; with more than nothing, claims must fail. */
  effectDelayMs?: number
}>

const interruptedExitCode = 130

/**
 * Plays the whole story on this machine with the real parts, and checks every claim that it makes.
 * @returns the exit code: 0 when all held, 1 when not, 130 when it was interrupted.
 * @throws {CliError} where it could not even begin.
 */
export async function runDemo(io: CliIo, options: DemoOptions = {}): Promise<number> {
  const startedAtMs = performance.now()
  const interruption = new AbortController()
  io.onSignal(() => interruption.abort())
  const interrupted = interruption.signal
  const screen = new Screen(io, { isJson: options.json === true, interrupted })
  try {
    await play(screen, interrupted, options)
  } catch (error) {
    if (interrupted.aborted) {
      printError(io, 'Interrupted. Everything that was started has been stopped.')
      return interruptedExitCode
    }
    if (error instanceof CliError) throw error
    await screen.claim('The story could be told to its end', () => Promise.reject(asError(error)))
  }
  return screen.verdict(performance.now() - startedAtMs) ? 0 : 1
}

async function play(
  screen: Screen,
  interrupted: AbortSignal,
  { effectDelayMs = 0 }: DemoOptions,
): Promise<void> {
  screen.title(
    'Hasp: the door is ours, the padlock is yours',
    'The whole story on this machine. Nothing is asked of you, and nothing is left behind.',
  )
  await using scene = await setScene(interrupted)
  introduce(screen, scene)
  try {
    await perform(screen, scene, effectDelayMs)
  } finally {
    if (!interrupted.aborted) await proveNoErrors(screen, scene)
  }
}

async function perform(screen: Screen, scene: Scene, effectDelayMs: number): Promise<void> {
  const lent = await registerPadlock(screen, scene)
  const agents = await lendToAgents(screen, scene, lent)
  scene.aws.control.setEffectDelay({ effectDelayMs })
  const cutUnderLoad = await revokeUnderLoad(screen, scene, agents, lent)
  const cutWhileIdle = await revokeWhileIdle(screen, scene, agents, lent)
  await compareRecords(screen, scene, [...cutUnderLoad, ...cutWhileIdle])
  await screen.claim('No secret was printed or logged by any of this', () => {
    const said = screen.printed + scene.hasp.log.join('\n')
    const told = [...scene.secrets, lent.virtualKey].filter((secret) => said.includes(secret))
    demand(told.length === 0, `${told.length} secrets were`)
    return `${scene.secrets.length + 1} secrets looked for`
  })
}

function introduce(screen: Screen, { aws, openai, anthropic, hasp }: Scene): void {
  screen.act('The parts')
  screen.facts([
    ['AWS', `${aws.url}  KMS and STS, emulated: real protocols, signatures and cryptography`],
    ['OpenAI', `${openai.provider.origin}  a mock that takes one credential only`],
    ['Anthropic', `${anthropic.provider.origin}  a mock that takes one credential only`],
    ['Hasp', `${hasp.url}  with a PostgreSQL of its own, ready in ${(hasp.startMs / 1000).toFixed(1)} s`],
  ])
}

async function proveNoErrors(screen: Screen, { hasp }: Scene): Promise<void> {
  await screen.claim('Hasp logged no error', () => {
    const errors = hasp.log.filter((line) => line.includes('"level":"error"'))
    demand(errors.length === 0, errors.join(' '))
    return `${hasp.log.length} lines`
  })
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('something was thrown that is no error')
}
