import { type Shape, startEmulatedCustomer } from '../unit/kms/aws/emulated-customer.ts'
import { describeKekProvider, type KekHarness } from './kek-provider.contract.ts'

const FAULTS = [
  ['a key pending deletion', 'revoked'],
  ['an unavailable key store', 'revoked'],
  ['a role that may no longer be assumed', 'revoked'],
  ['a throttled account', 'throttled'],
  ['an internal error', 'unreachable'],
  ['a lost connection', 'unreachable'],
  ['an unreadable reply', 'unreachable'],
  ['a reply by another key', 'tampered'],
  ['a skewed clock', 'ours'],
] as const
type FaultName = (typeof FAULTS)[number][0]

for (const shape of ['role', 'direct'] as const) {
  for (const dekTransport of ['bytes', 'sdk'] as const) {
    const names = FAULTS.map(([name]) => name).filter((name) => shape === 'role' || !name.includes('role'))
    describeKekProvider(`aws (${shape}, ${dekTransport})`, () => startAwsKek(shape, dekTransport), names)
  }
}

async function startAwsKek(shape: Shape, dekTransport: 'bytes' | 'sdk'): Promise<KekHarness> {
  const customer = await startEmulatedCustomer({ dekTransport })
  const { control, keyArn } = customer
  const foreign = customer.createKey()
  const inject: Record<FaultName, () => void> = {
    'a key pending deletion': () => control.setKeyState({ keyId: keyArn, state: 'PendingDeletion' }),
    'an unavailable key store': () => control.setKeyState({ keyId: keyArn, state: 'Unavailable' }),
    'a role that may no longer be assumed': () => {
      control.deletePrincipal({ principalArn: customer.role.arn })
    },
    'a throttled account': () =>
      control.injectFault({
        operation: 'Decrypt',
        effect: { type: 'error', code: 'ThrottlingException', httpStatus: 400 },
      }),
    'an internal error': () =>
      control.injectFault({
        operation: 'Decrypt',
        effect: { type: 'error', code: 'KMSInternalException', httpStatus: 500 },
      }),
    'a lost connection': () => control.injectFault({ operation: 'Decrypt', effect: { type: 'reset' } }),
    'an unreadable reply': () =>
      control.injectFault({ operation: 'Decrypt', effect: { type: 'malformed-body' } }),
    'a reply by another key': () =>
      control.injectFault({ operation: 'Decrypt', effect: { type: 'wrong-key-id' } }),
    'a skewed clock': () => control.setSignatureSkew({ ms: 3_600_000 }),
  }
  return {
    makeProvider: async () => customer.provider(shape),
    makeForeignProvider: async () => customer.provider(shape, foreign.keyArn),
    revoke: async () => control.setKeyState({ keyId: keyArn, state: 'Disabled' }),
    restore: async () => control.setKeyState({ keyId: keyArn, state: 'Enabled' }),
    faults: FAULTS.map(([name, kind]) => ({ name, kind, inject: async () => inject[name]() })),
    [Symbol.asyncDispose]: () => customer[Symbol.asyncDispose](),
  }
}
