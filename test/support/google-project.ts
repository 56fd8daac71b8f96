import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startGoogleEmulator } from '#emulators/google/google-emulator.ts'

/** An emulated Google Cloud with nothing but Hasp's own project, and the two files by which Hasp reaches it. */
export async function startGoogleProject() {
  await using stack = new AsyncDisposableStack()
  const emulator = stack.use(await startGoogleEmulator())
  const { control } = emulator
  control.createProject({ projectId: 'hasp-service' })
  const own = control.createServiceAccount({ projectId: 'hasp-service', name: 'hasp-runs' })
  const directory = await mkdtemp(join(tmpdir(), 'hasp-gcp-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const credentialsFile = join(directory, 'credentials.json')
  await writeFile(credentialsFile, JSON.stringify(own.keyFile), { mode: 0o600 })
  const caFile = join(directory, 'ca.pem')
  await writeFile(caFile, emulator.ca)
  const owned = stack.move()
  return {
    emulator,
    control,
    own,
    /** What `GcpClients` need to reach it. */
    reach: {
      credentialsFile,
      caFile,
      kmsEndpoint: emulator.grpcEndpoint,
      authEndpoint: emulator.url,
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
