import { Type, type Static, type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import type { AzureRequest } from '#emulators/azure/wire/azure-reply.ts'
import type { AzureEmulatorControl } from './control.ts'
import * as input from './inputs.ts'
import { plantSeed } from './seed.ts'

type Command<Input extends TSchema, Output> = Readonly<{
  input: Input
  run: (control: AzureEmulatorControl, given: Static<Input>) => Output | Promise<Output>
}>

function command<Input extends TSchema, Output>(
  schema: Input,
  run: (control: AzureEmulatorControl, given: Static<Input>) => Output | Promise<Output>,
): Command<Input, Output> {
  return { input: schema, run }
}

/** Each is `POST /_emulator/<name>` with its input as JSON. */
export const controlCommands = {
  'create-tenant': command(input.CreateTenant, (control, given) => control.createTenant(given)),
  'delete-tenant': command(input.NameTenant, (control, given) => control.deleteTenant(given)),
  'create-application': command(input.CreateApplication, (control, given) =>
    control.createApplication(given),
  ),
  'delete-application': command(input.NameApplication, (control, given) => control.deleteApplication(given)),
  'set-application-enabled': command(input.SetEnabled, (control, given) =>
    control.setApplicationEnabled(given),
  ),
  'add-secret': command(input.NameApplication, (control, given) => control.addSecret(given)),
  'create-issuer': command(input.CreateIssuer, (control, given) => control.createIssuer(given)),
  'add-federated-credential': command(input.AddFederatedCredential, (control, given) =>
    control.addFederatedCredential(given),
  ),
  'issue-assertion': command(input.IssueAssertion, (control, given) => control.issueAssertion(given)),
  consent: command(input.NamePrincipal, (control, given) => control.consent(given)),
  'withdraw-consent': command(input.NamePrincipal, (control, given) => control.withdrawConsent(given)),
  'set-principal-enabled': command(input.SetPrincipalEnabled, (control, given) =>
    control.setPrincipalEnabled(given),
  ),
  'create-store': command(input.CreateStore, (control, given) => control.createStore(given)),
  'delete-store': command(input.NameStore, (control, given) => control.deleteStore(given)),
  'recover-store': command(input.NameStore, (control, given) => control.recoverStore(given)),
  'set-network': command(input.SetNetwork, (control, given) => control.setNetwork(given)),
  'set-logged': command(input.SetLogged, (control, given) => control.setLogged(given)),
  'create-key': command(input.CreateKey, (control, given) => control.createKey(given)),
  'rotate-key': command(input.NameKey, (control, given) => control.rotateKey(given)),
  'set-key': command(input.SetKey, (control, given) => control.setKey(given)),
  'delete-key': command(input.NameKey, (control, given) => control.deleteKey(given)),
  'recover-key': command(input.NameKey, (control, given) => control.recoverKey(given)),
  'create-role': command(input.CreateRole, (control, given) => control.createRole(given)),
  'assign-role': command(input.AssignRole, (control, given) => control.assignRole(given)),
  grant: command(input.Grant, (control, given) => control.grant(given)),
  'remove-role-assignment': command(input.NameAssignment, (control, given) =>
    control.removeRoleAssignment(given),
  ),
  'set-effect-delay': command(input.SetEffectDelay, (control, given) => control.setEffectDelay(given)),
  'inject-fault': command(input.InjectFault, (control, given) => control.injectFault(given)),
  'clear-faults': command(input.Nothing, (control) => control.clearFaults()),
  'set-latency': command(input.SetLatency, (control, given) => control.setLatency(given)),
  'advance-clock': command(input.AdvanceClock, (control, given) => control.advanceClock(given)),
  events: command(input.FilterEvents, (control, given) => control.events(given)),
  'wait-for-event': command(input.WaitForEvent, (control, { timeoutMs, ...filter }) =>
    control.waitForEvent(filter, timeoutMs),
  ),
  'clear-events': command(input.Nothing, (control) => control.clearEvents()),
  'plant-seed': command(input.Seed, (control, given) => plantSeed(control, given)),
  health: command(Type.Object({}), () => ({ status: 'ok' as const })),
} as const

type ControlReply = Readonly<{ httpStatus: number; body: unknown }>

/** Serves one control request. Only JSON is taken, so that no web page can send one without a preflight. */
export async function serveControl(
  control: AzureEmulatorControl,
  name: string,
  request: AzureRequest,
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
  control: AzureEmulatorControl,
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
