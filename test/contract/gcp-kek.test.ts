import type { KekFaultKind } from '#kms/kek-fault.ts'
import { GuardedKekProvider } from '#kms/guarded-kek-provider.ts'
import type { KekProvider } from '#kms/kek-provider.ts'
import {
  type EmulatedCustomer,
  ROLE,
  type Shape,
  startEmulatedCustomer,
} from '../unit/kms/gcp/emulated-customer.ts'
import { describeKekProvider, type KekHarness } from './kek-provider.contract.ts'

type Fault = Readonly<{
  name: string
  kind: KekFaultKind
  /** The only shape that can fail so; both when absent. */
  shape?: Shape
  inject: (customer: EmulatedCustomer, shape: Shape) => void
}>

const error = (code: 'RESOURCE_EXHAUSTED' | 'INTERNAL' | 'UNAVAILABLE' | 'ABORTED', times: number) => ({
  operation: 'Decrypt',
  times,
  effect: { type: 'error', code } as const,
})
const once = (
  type: 'reset' | 'hang' | 'malformed-body' | 'damaged-reply' | 'damaged-request',
  times: number,
) => ({
  operation: 'Decrypt',
  times,
  effect: { type },
})

/** What goes wrong, twice where the guard tries twice. */
const faultsTimes = (times: number): readonly Fault[] => [
  {
    name: 'a version scheduled for destruction',
    kind: 'revoked',
    inject: ({ control, keyName }) => control.setVersionState({ keyName, state: 'DESTROY_SCHEDULED' }),
  },
  {
    name: 'a destroyed version',
    kind: 'revoked',
    inject: ({ control, keyName }) => control.setVersionState({ keyName, state: 'DESTROYED' }),
  },
  {
    name: 'a binding that was removed',
    kind: 'revoked',
    inject: ({ control, keyName, members }, shape) =>
      control.removeBinding({ resource: keyName, binding: { role: ROLE, members: [members[shape]] } }),
  },
  {
    name: 'an API that was switched off',
    kind: 'misconfigured',
    inject: ({ control }) => control.setApiEnabled({ projectId: 'customer-one', isEnabled: false }),
  },
  {
    name: 'a used-up quota',
    kind: 'throttled',
    inject: ({ control }) => control.injectFault(error('RESOURCE_EXHAUSTED', times)),
  },
  {
    name: 'an internal error',
    kind: 'unreachable',
    inject: ({ control }) => control.injectFault(error('INTERNAL', times)),
  },
  {
    name: 'an unavailable service',
    kind: 'unreachable',
    inject: ({ control }) => control.injectFault(error('UNAVAILABLE', times)),
  },
  {
    name: 'a lost connection',
    kind: 'unreachable',
    inject: ({ control }) => control.injectFault(once('reset', times)),
  },
  {
    name: 'an unreadable reply',
    kind: 'unreachable',
    inject: ({ control }) => control.injectFault(once('malformed-body', times)),
  },
  {
    name: 'a reply damaged on its way',
    kind: 'unreachable',
    inject: ({ control }) => control.injectFault(once('damaged-reply', times)),
  },
  {
    name: 'a request damaged on its way',
    kind: 'unreachable',
    inject: ({ control }) => control.injectFault(once('damaged-request', times)),
  },
  {
    name: 'our own account disabled',
    kind: 'ours',
    shape: 'service-account',
    inject: ({ control, own }) => control.setServiceAccountDisabled({ email: own.email, isDisabled: true }),
  },
  {
    name: 'an identity provider that was disabled',
    kind: 'revoked',
    shape: 'federated',
    inject: ({ control, identityProvider }) => {
      control.setIdentityProviderDisabled({ name: identityProvider, isDisabled: true })
      control.revokeTokens()
    },
  },
]

const guards = {
  bare: (provider: KekProvider) => provider,
  guarded: (provider: KekProvider) => new GuardedKekProvider(provider),
} as const

const variants = [
  ['service-account', 'bare'],
  ['federated', 'bare'],
  ['federated', 'guarded'],
] as const

for (const [shape, guard] of variants) {
  const faults = faultsTimes(guard === 'guarded' ? 2 : 1).filter((fault) => (fault.shape ?? shape) === shape)
  describeKekProvider(
    `gcp (${shape}, ${guard})`,
    () => startGcpKek(shape, guards[guard], faults),
    faults.map(({ name }) => name),
  )
}

async function startGcpKek(
  shape: Shape,
  guard: (provider: KekProvider) => KekProvider,
  faults: readonly Fault[],
): Promise<KekHarness> {
  const customer = await startEmulatedCustomer()
  const { control, keyName } = customer
  const foreign = customer.createKey('foreign')
  return {
    makeProvider: async () => guard(customer.provider(shape)),
    makeForeignProvider: async () => guard(customer.provider(shape, foreign)),
    revoke: async () => control.setVersionState({ keyName, state: 'DISABLED' }),
    restore: async () => control.setVersionState({ keyName, state: 'ENABLED' }),
    faults: faults.map(({ inject, kind, name }) => ({
      name,
      kind,
      inject: async () => inject(customer, shape),
    })),
    [Symbol.asyncDispose]: () => customer[Symbol.asyncDispose](),
  }
}
