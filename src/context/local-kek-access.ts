import { randomUUID } from 'node:crypto'
import type { KekAccessKind } from '#keks/access.ts'
import { createLocalKek } from '#kms/local-kek-file.ts'

/** KEKs in files of this machine: for trying Hasp out. Not customer-held, and says so wherever it shows. */
export function localKekAccess(directory: string): KekAccessKind {
  return {
    kind: 'local',
    async prepare() {
      const fileId = randomUUID()
      await createLocalKek(directory, fileId)
      return { kekRef: `local:${fileId}`, access: { provider: 'local', fileId } }
    },
    grantFor: () => ({
      summary:
        'This KEK is a file on the machine that runs Hasp: it is NOT customer-held, whoever runs Hasp can read it. Use a KEK in your own cloud KMS for anything that matters. Nothing needs to be granted: verify it.',
      documents: [],
    }),
  }
}
