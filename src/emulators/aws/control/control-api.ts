import * as common from '#emulators/common/control-inputs.ts'
import { commandsOf, type ControlReply, runCommand } from '#emulators/common/control-api.ts'
import type { AwsRequest } from '#emulators/aws/wire/aws-reply.ts'
import type { AwsEmulatorControl } from './control.ts'
import * as input from './inputs.ts'
import { plantSeed } from './seed.ts'

const command = commandsOf<AwsEmulatorControl>()

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
  'clear-faults': command(common.Nothing, (control) => control.clearFaults()),
  'set-latency': command(input.SetLatency, (control, given) => control.setLatency(given)),
  'advance-clock': command(common.AdvanceClock, (control, given) => control.advanceClock(given)),
  'set-signature-skew': command(common.SkewClock, (control, given) => control.setSignatureSkew(given)),
  events: command(input.FilterEvents, (control, given) => control.events(given)),
  'wait-for-event': command(input.WaitForEvent, (control, { timeoutMs, ...filter }) =>
    control.waitForEvent(filter, timeoutMs),
  ),
  'clear-events': command(common.Nothing, (control) => control.clearEvents()),
  'plant-seed': command(input.Seed, (control, given) => plantSeed(control, given)),
  health: command(common.Nothing, () => ({ status: 'ok' as const })),
} as const

/** Serves one control request. */
export function serveControl(
  control: AwsEmulatorControl,
  name: string,
  request: AwsRequest,
): Promise<ControlReply> {
  return runCommand(controlCommands, control, name, request)
}
