import { Type, type Static, type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import type { AwsRequest } from '#emulators/aws/wire/aws-reply.ts'
import type { AwsEmulatorControl } from './control.ts'
import * as input from './inputs.ts'
import { plantSeed } from './seed.ts'

type Command<Input extends TSchema, Output> = Readonly<{
  input: Input
  run: (control: AwsEmulatorControl, given: Static<Input>) => Output | Promise<Output>
}>

function command<Input extends TSchema, Output>(
  schema: Input,
  run: (control: AwsEmulatorControl, given: Static<Input>) => Output | Promise<Output>,
): Command<Input, Output> {
  return { input: schema, run }
}

/** Each is `POST /_emulator/<name>` with its input as JSON. */
export const controlCommands = {
  'create-account': command(input.CreateAccount, (control, given) => control.createAccount(given)),
  'create-user': command(input.CreateUser, (control, given) => control.createUser(given)),
  'create-role': command(input.CreateRole, (control, given) => control.createRole(given)),
  'create-access-key': command(input.NamePrincipal, (control, given) => control.createAccessKey(given)),
  'delete-access-key': command(input.NameAccessKey, (control, given) => control.deleteAccessKey(given)),
  'delete-principal': command(input.NamePrincipal, (control, given) => control.deletePrincipal(given)),
  'put-policies': command(input.PutPolicies, (control, given) => control.putPolicies(given)),
  'put-trust-policy': command(input.PutTrustPolicy, (control, given) => control.putTrustPolicy(given)),
  'create-key': command(input.CreateKey, (control, given) => control.createKey(given)),
  'set-key-state': command(input.SetKeyState, (control, given) => control.setKeyState(given)),
  'set-effect-delay': command(input.SetEffectDelay, (control, given) => control.setEffectDelay(given)),
  'set-pending-deletion-error': command(input.SetPendingDeletionError, (control, given) =>
    control.setPendingDeletionError(given),
  ),
  'inject-fault': command(input.InjectFault, (control, given) => control.injectFault(given)),
  'clear-faults': command(input.Nothing, (control) => control.clearFaults()),
  'set-latency': command(input.SetLatency, (control, given) => control.setLatency(given)),
  'advance-clock': command(input.AdvanceClock, (control, given) => control.advanceClock(given)),
  'set-signature-skew': command(input.SetSignatureSkew, (control, given) => control.setSignatureSkew(given)),
  events: command(input.FilterEvents, (control, given) => control.events(given)),
  'wait-for-event': command(input.WaitForEvent, (control, { timeoutMs, ...filter }) =>
    control.waitForEvent(filter, timeoutMs),
  ),
  'clear-events': command(input.Nothing, (control) => control.clearEvents()),
  'plant-seed': command(input.Seed, (control, given) => plantSeed(control, given)),
  health: command(Type.Object({}), () => ({ status: 'ok' as const })),
} as const

export type ControlReply = Readonly<{ httpStatus: number; body: unknown }>

/** Serves one control request. Only JSON is taken, so that no web page can send one without a preflight. */
export async function serveControl(
  control: AwsEmulatorControl,
  name: string,
  request: AwsRequest,
): Promise<ControlReply> {
  const found = Object.entries(controlCommands).find(([candidate]) => candidate === name)?.[1]
  if (found === undefined) return refuse(404, `There is no control command ${name}.`)
  if (request.method !== 'POST') return refuse(405, 'Control commands are POSTed.')
  if (request.headers['content-type'] !== 'application/json')
    return refuse(415, 'Control commands take application/json.')
  try {
    const given: unknown = request.body.length === 0 ? {} : JSON.parse(request.body.toString('utf8'))
    return { httpStatus: 200, body: (await runChecked(found, control, given)) ?? {} }
  } catch (error) {
    return refuse(400, error instanceof Error ? error.message : 'The command failed.')
  }
}

async function runChecked(
  found: (typeof controlCommands)[keyof typeof controlCommands],
  control: AwsEmulatorControl,
  given: unknown,
): Promise<unknown> {
  if (!Value.Check(found.input, given)) {
    const fault = Value.Errors(found.input, given)[0]
    throw new Error(`Bad input: ${fault?.instancePath ?? ''} ${fault?.message ?? 'does not fit'}`)
  }
  // The check above has just shown that `given` is what this very command takes; the union hides which one it is.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return found.run(control, given as never)
}

function refuse(httpStatus: number, message: string): ControlReply {
  return { httpStatus, body: { error: message } }
}
