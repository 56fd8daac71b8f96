import { ServiceError } from '#emulators/aws/wire/service-error.ts'
import { stopDryRun } from './dry-run.ts'
import { authorizedKey, type Operation } from './operation.ts'

/**
 * Operations that the emulator authorises but does not carry out: enough for a client that probes what it was
 * granted with `DryRun`, and an honest refusal for everybody else.
 */
const names = [
  'CreateGrant',
  'RevokeGrant',
  'RetireGrant',
  'GetPublicKey',
  'Sign',
  'Verify',
  'GenerateMac',
  'VerifyMac',
  'GenerateDataKeyPair',
  'GenerateDataKeyPairWithoutPlaintext',
  'UpdateKeyDescription',
  'EnableKeyRotation',
  'DisableKeyRotation',
  'ListKeyRotations',
  'UntagResource',
  'ReplicateKey',
  'ImportKeyMaterial',
  'DeleteImportedKeyMaterial',
  'GetParametersForImport',
] as const

const crossAccount = new Set<string>([
  'CreateGrant',
  'RevokeGrant',
  'RetireGrant',
  'GetPublicKey',
  'Sign',
  'Verify',
  'GenerateMac',
  'VerifyMac',
  'GenerateDataKeyPair',
  'GenerateDataKeyPairWithoutPlaintext',
])

export const unmodelledOperations: Readonly<Record<string, Operation>> = Object.fromEntries(
  names.map((name): [string, Operation] => [
    name,
    {
      isReadOnly: /^(Get|List|Sign|Verify|Generate)/.test(name),
      run: (deps, call) => {
        authorizedKey(deps, call, crossAccount.has(name) ? 'cross-account' : 'own-account')
        stopDryRun(call.input)
        throw new ServiceError('UnsupportedOperationException', `The emulator does not model ${name}.`)
      },
    },
  ]),
)
