import { chmod, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalKek, localKekPath } from '#kms/local-kek-file.ts'
import { LocalKekProvider } from '#kms/local-kek-provider.ts'
import { describeKekProvider, type KekHarness } from './kek-provider.contract.ts'

describeKekProvider('local', startLocalKek, ['an unsafe mode'])

async function startLocalKek(): Promise<KekHarness> {
  const directory = await mkdtemp(join(tmpdir(), 'hasp-local-kek-'))
  await createLocalKek(directory, 'ours')
  await createLocalKek(directory, 'foreign')
  const path = localKekPath(directory, 'ours')
  return {
    makeProvider: async () => new LocalKekProvider(directory, 'ours'),
    makeForeignProvider: async () => new LocalKekProvider(directory, 'foreign'),
    revoke: () => rename(path, `${path}.taken`),
    restore: () => rename(`${path}.taken`, path),
    faults: [{ name: 'an unsafe mode', kind: 'misconfigured', inject: () => chmod(path, 0o640) }],
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  }
}
