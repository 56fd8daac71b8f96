import { Type, type Static, type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import type { HttpReply, HttpRequest } from '#emulators/google/wire/http-server.ts'
import type { GoogleEmulatorControl } from './control.ts'
import * as input from './inputs.ts'
import { plantSeed } from './seed.ts'

type Command<Input extends TSchema, Output> = Readonly<{
  input: Input
  run: (control: GoogleEmulatorControl, given: Static<Input>) => Output | Promise<Output>
}>

function command<Input extends TSchema, Output>(
  schema: Input,
  run: (control: GoogleEmulatorControl, given: Static<Input>) => Output | Promise<Output>,
): Command<Input, Output> {
  return { input: schema, run }
}

/** Each is `POST /_emulator/<name>` with its input as JSON. */
const controlCommands = {
  'create-project': command(input.CreateProject, (control, given) => control.createProject(given)),
  'set-api-enabled': command(input.SetApiEnabled, (control, given) => control.setApiEnabled(given)),
  'create-service-account': command(input.CreateServiceAccount, (control, given) =>
    control.createServiceAccount(given),
  ),
  'set-service-account-disabled': command(input.SetServiceAccountDisabled, (control, given) =>
    control.setServiceAccountDisabled(given),
  ),
  'delete-service-account': command(input.NameServiceAccount, (control, given) =>
    control.deleteServiceAccount(given),
  ),
  'revoke-tokens': command(input.Nothing, (control) => control.revokeTokens()),
  'create-key': command(input.CreateKey, (control, given) => control.createKey(given)),
  'set-version-state': command(input.SetVersionState, (control, given) => control.setVersionState(given)),
  'rotate-key': command(input.RotateKey, (control, given) => control.rotateKey(given)),
  'set-policy': command(input.SetPolicy, (control, given) => control.setPolicy(given)),
  'add-binding': command(input.Binding, (control, given) => control.addBinding(given)),
  'remove-binding': command(input.Binding, (control, given) => control.removeBinding(given)),
  'create-role': command(input.CreateRole, (control, given) => control.createRole(given)),
  'log-data-access': command(input.CreateProject, (control, given) => control.logDataAccess(given)),
  'create-identity-provider': command(input.CreateIdentityProvider, (control, given) =>
    control.createIdentityProvider(given),
  ),
  'set-identity-provider-disabled': command(input.SetIdentityProviderDisabled, (control, given) =>
    control.setIdentityProviderDisabled(given),
  ),
  'delete-identity-provider': command(input.NameIdentityProvider, (control, given) =>
    control.deleteIdentityProvider(given),
  ),
  'set-delays': command(input.SetDelays, (control, given) => control.setDelays(given)),
  'inject-fault': command(input.InjectFault, (control, given) => control.injectFault(given)),
  'clear-faults': command(input.Nothing, (control) => control.clearFaults()),
  'set-latency': command(input.SetLatency, (control, given) => control.setLatency(given)),
  'advance-clock': command(input.AdvanceClock, (control, given) => control.advanceClock(given)),
  'set-token-skew': command(input.SetTokenSkew, (control, given) => control.setTokenSkew(given)),
  entries: command(input.FilterEntries, (control, given) => control.entries(given)),
  'wait-for-entry': command(input.WaitForEntry, (control, { timeoutMs, ...filter }) =>
    control.waitForEntry(filter, timeoutMs),
  ),
  'clear-entries': command(input.Nothing, (control) => control.clearEntries()),
  'plant-seed': command(input.Seed, (control, given) => plantSeed(control, given)),
  health: command(Type.Object({}), () => ({ status: 'ok' as const })),
} as const

const PREFIX = '/_emulator/'

/** Serves one control request; undefined for other paths. Only JSON is taken, so that no web page can send one. */
export async function serveControl(
  control: GoogleEmulatorControl,
  { body, headers, path, verb }: HttpRequest,
): Promise<HttpReply | undefined> {
  if (!path.startsWith(PREFIX)) return undefined
  const name = path.slice(PREFIX.length)
  const found = Object.entries(controlCommands).find(([candidate]) => candidate === name)?.[1]
  if (found === undefined) return refuse(404, `There is no control command ${name}.`)
  if (verb !== 'POST') return refuse(405, 'Control commands are POSTed.')
  if (headers['content-type'] !== 'application/json')
    return refuse(415, 'Control commands take application/json.')
  try {
    const given: unknown = body.length === 0 ? {} : JSON.parse(body.toString('utf8'))
    return answer(200, (await runChecked(found, control, given)) ?? {})
  } catch (error) {
    return refuse(400, error instanceof Error ? error.message : 'The command failed.')
  }
}

async function runChecked(
  found: (typeof controlCommands)[keyof typeof controlCommands],
  control: GoogleEmulatorControl,
  given: unknown,
): Promise<unknown> {
  if (!Value.Check(found.input, given)) {
    const fault = Value.Errors(found.input, given)[0]
    throw new Error(`Bad input: ${fault?.instancePath ?? ''} ${fault?.message ?? 'does not fit'}`)
  }
  // The check above has just shown that `given` is what this very command takes; the union hides which one it is.
  return found.run(control, given as never)
}

function refuse(httpStatus: number, message: string): HttpReply {
  return answer(httpStatus, { error: message })
}

function answer(httpStatus: number, body: unknown): HttpReply {
  return { type: 'answer', httpStatus, body: JSON.stringify(body) }
}
