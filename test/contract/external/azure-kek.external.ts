import { afterAll } from 'vitest'
import { describeVaultKeys } from '../azure-vault.behaviour.ts'
import { describeKekProvider } from '../kek-provider.contract.ts'
import { openExternalVault } from './external-azure-vault.ts'

/**
 * The contract suite, and the rows of the conformance table, on a vault of somebody else: a real one, or another
 * emulator. Run with `npm run test:contract:external`; docs/docker.md says with which environment.
 */
const external = await openExternalVault(process.env)
afterAll(() => external[Symbol.asyncDispose]())

for (const transport of ['bytes', 'sdk'] as const) {
  describeKekProvider(`azure (external, ${transport})`, () => external.startKek(transport), [
    'a disabled version',
  ])
}

describeVaultKeys('an external vault', () => external.startVault())
