import * as common from '#emulators/common/control-inputs.ts'
import { commandsOf, runCommand } from '#emulators/common/control-api.ts'
import type { HttpReply, HttpRequest } from '#emulators/google/wire/http-server.ts'
import type { GoogleEmulatorControl } from './control.ts'
import * as input from './inputs.ts'
import { plantSeed } from './seed.ts'

const command = commandsOf<GoogleEmulatorControl>()

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
  'revoke-tokens': command(common.Nothing, (control) => control.revokeTokens()),
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
  'clear-faults': command(common.Nothing, (control) => control.clearFaults()),
  'set-latency': command(input.SetLatency, (control, given) => control.setLatency(given)),
  'advance-clock': command(common.AdvanceClock, (control, given) => control.advanceClock(given)),
  'set-token-skew': command(common.SkewClock, (control, given) => control.setTokenSkew(given)),
  entries: command(input.FilterEntries, (control, given) => control.entries(given)),
  'wait-for-entry': command(input.WaitForEntry, (control, { timeoutMs, ...filter }) =>
    control.waitForEntry(filter, timeoutMs),
  ),
  'clear-entries': command(common.Nothing, (control) => control.clearEntries()),
  'plant-seed': command(input.Seed, (control, given) => plantSeed(control, given)),
  health: command(common.Nothing, () => ({ status: 'ok' as const })),
} as const

const PREFIX = '/_emulator/'

/** Serves one control request; undefined for other paths. */
export async function serveControl(
  control: GoogleEmulatorControl,
  { body, headers, path, verb }: HttpRequest,
): Promise<HttpReply | undefined> {
  if (!path.startsWith(PREFIX)) return undefined
  const name = path.slice(PREFIX.length)
  const reply = await runCommand(controlCommands, control, name, { method: verb, headers, body })
  return { type: 'answer', httpStatus: reply.httpStatus, body: JSON.stringify(reply.body) }
}
