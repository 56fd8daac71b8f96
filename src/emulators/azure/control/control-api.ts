import * as common from '#emulators/common/control-inputs.ts'
import { commandsOf, type ControlReply, runCommand } from '#emulators/common/control-api.ts'
import type { AzureRequest } from '#emulators/azure/wire/azure-reply.ts'
import type { AzureEmulatorControl } from './control.ts'
import * as input from './inputs.ts'
import { plantSeed } from './seed.ts'

const command = commandsOf<AzureEmulatorControl>()

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
  'clear-faults': command(common.Nothing, (control) => control.clearFaults()),
  'set-latency': command(input.SetLatency, (control, given) => control.setLatency(given)),
  'advance-clock': command(common.AdvanceClock, (control, given) => control.advanceClock(given)),
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
  control: AzureEmulatorControl,
  name: string,
  request: AzureRequest,
): Promise<ControlReply> {
  return runCommand(controlCommands, control, name, request)
}
