import type { ControlInput, ControlOutput } from '#emulators/common/control-api.ts'
import type { controlCommands } from './control-api.ts'

type Commands = typeof controlCommands

/** Drives an emulator that runs in another process. */
export type AwsEmulatorClient = <Name extends keyof Commands>(
  name: Name,
  input: ControlInput<Commands[Name]>,
) => Promise<ControlOutput<Commands[Name]>>

/**
 * `const emulator = connectAwsEmulator(url); await emulator('set-effect-delay', { effectDelayMs: 500 })`
 *
 * @throws {Error} from each call, with the emulator's own words for a refusal
 */
export function connectAwsEmulator(url: string): AwsEmulatorClient {
  return async <Name extends keyof Commands>(
    name: Name,
    input: ControlInput<Commands[Name]>,
  ): Promise<ControlOutput<Commands[Name]>> => {
    const reply = await fetch(new URL(`/_emulator/${name}`, url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(input),
    })
    const body: unknown = await reply.json()
    if (!reply.ok) throw new Error(`${name}: ${JSON.stringify(body)}`)
    // The emulator runs the same command table that these types come from.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return body as ControlOutput<Commands[Name]>
  }
}
