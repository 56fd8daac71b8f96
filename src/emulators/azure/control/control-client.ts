import { request } from 'node:https'
import { text } from 'node:stream/consumers'
import type { ControlInput, ControlOutput } from '#emulators/common/control-api.ts'
import type { controlCommands } from './control-api.ts'

type Commands = typeof controlCommands

/** Drives an emulator that runs in another process. */
export type AzureEmulatorClient = <Name extends keyof Commands>(
  name: Name,
  input: ControlInput<Commands[Name]>,
) => Promise<ControlOutput<Commands[Name]>>

/**
 * `const emulator = connectAzureEmulator(url, ca); await emulator('set-key', { keyId, isEnabled: false })`
 *
 * @param ca PEM of the emulator's certificate
 * @throws {Error} from each call, with the emulator's own words for a refusal
 */
export function connectAzureEmulator(url: string, ca: string): AzureEmulatorClient {
  return async <Name extends keyof Commands>(
    name: Name,
    input: ControlInput<Commands[Name]>,
  ): Promise<ControlOutput<Commands[Name]>> => {
    const { isOk, body } = await post(new URL(`/_emulator/${name}`, url), ca, JSON.stringify(input))
    if (!isOk) throw new Error(`${name}: ${body}`)
    // The emulator runs the same command table that these types come from.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return JSON.parse(body) as ControlOutput<Commands[Name]>
  }
}

async function post(url: URL, ca: string, json: string): Promise<{ isOk: boolean; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ isOk: boolean; body: string }>()
  const headers = { 'content-type': 'application/json' }
  const sent = request(url, { method: 'POST', ca, headers, agent: false }, (reply) => {
    text(reply)
      .then((body) => resolve({ isOk: reply.statusCode === 200, body }))
      .catch(reject)
  })
  sent.once('error', reject)
  sent.end(json)
  return promise
}
