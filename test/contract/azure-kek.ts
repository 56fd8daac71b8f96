import { expect } from 'vitest'
import { KekFault } from '#kms/kek-fault.ts'
import { type StoreKind, startEmulatedCustomer } from '../unit/kms/azure/emulated-customer.ts'
import { describeKekProvider, type KekHarness } from './kek-provider.contract.ts'

const FAULTS = [
  ['a disabled version', 'revoked'],
  ['a role that is no longer assigned', 'revoked'],
  ['an operation that is no longer permitted', 'revoked'],
  ['a deleted vault', 'revoked'],
  ['consent withdrawn', 'revoked'],
  ['a firewall', 'misconfigured'],
  ['a throttled vault', 'throttled'],
  ['an internal error', 'unreachable'],
  ['a lost connection', 'unreachable'],
  ['a lost answer', 'unreachable'],
  ['an unreadable reply', 'unreachable'],
  ['a page of a proxy', 'unreachable'],
  ['a redirect', 'unreachable'],
  ['a reply by another key', 'tampered'],
  ['a refused token', 'ours'],
] as const
type FaultName = (typeof FAULTS)[number][0]

/** The contract of `KekProvider` on a key vault or a Managed HSM, over both transports. */
export function describeAzureKek(kind: StoreKind): void {
  for (const transport of ['bytes', 'sdk'] as const) {
    describeKekProvider(
      `azure (${kind}, ${transport})`,
      () => startAzureKek(kind, transport),
      FAULTS.map(([name]) => name),
    )
  }
}

async function startAzureKek(kind: StoreKind, transport: 'bytes' | 'sdk'): Promise<KekHarness> {
  const customer = await startEmulatedCustomer(kind, { transport })
  const { control, keyId, store, tenantId, own } = customer
  const foreign = await customer.createKey('foreign')
  const unwrapFault = (effect: Parameters<typeof control.injectFault>[0]['effect'], times = 1) =>
    control.injectFault({ operation: 'KeyUnwrap', effect, times })
  const inject: Record<FaultName, () => unknown> = {
    'a disabled version': () => control.setKey({ keyId, isEnabled: false }),
    'a role that is no longer assigned': () =>
      control.removeRoleAssignment({ assignmentId: customer.assignmentId }),
    'an operation that is no longer permitted': () => control.setKey({ keyId, operations: ['wrapKey'] }),
    'a deleted vault': async () => {
      control.deleteStore({ store: store.host })
      // Until the client has seen the end of every connection that it kept.
      const codeOf = () =>
        customer
          .provider()
          .describe()
          .catch((error: unknown) => (error instanceof KekFault ? error.code : ''))
      await expect.poll(codeOf).toBe('VaultGone')
    },
    'consent withdrawn': () => {
      control.withdrawConsent({ tenantId, clientId: own.clientId })
      unwrapFault({ type: 'error', httpStatus: 401, code: 'Unauthorized' })
    },
    'a firewall': () => control.setNetwork({ store: store.host, isOpen: false }),
    'a throttled vault': () =>
      unwrapFault({ type: 'error', httpStatus: 429, code: 'Throttled', retryAfterSeconds: 1 }),
    'an internal error': () => unwrapFault({ type: 'error', httpStatus: 500, code: 'InternalServerError' }),
    'a lost connection': () => unwrapFault({ type: 'reset' }),
    'a lost answer': () => unwrapFault({ type: 'reset-reply' }),
    'an unreadable reply': () => unwrapFault({ type: 'malformed-body' }),
    'a page of a proxy': () => unwrapFault({ type: 'page', httpStatus: 403 }),
    'a redirect': () => unwrapFault({ type: 'redirect' }),
    'a reply by another key': () => unwrapFault({ type: 'wrong-key-id' }),
    'a refused token': () => unwrapFault({ type: 'error', httpStatus: 401, code: 'Unauthorized' }, 4),
  }
  return {
    makeProvider: async () => customer.provider(),
    makeForeignProvider: async () => customer.provider(foreign.keyId),
    revoke: async () => control.deleteKey({ keyId }),
    restore: async () => control.recoverKey({ keyId }),
    faults: FAULTS.map(([name, kindOfFault]) => ({
      name,
      kind: kindOfFault,
      inject: async () => {
        await inject[name]()
      },
    })),
    [Symbol.asyncDispose]: () => customer[Symbol.asyncDispose](),
  }
}
