import { randomUUID } from 'node:crypto'
import type { KekAccessKind } from '#keks/access.ts'
import { KekFault } from '#kms/kek-fault.ts'
import { createLocalKek } from '#kms/local-kek-file.ts'

/** KEKs in files of this machine: for trying Hasp out. Not customer-held, and says so wherever it shows. */
export function localKekAccess(directory: string, isAllowed: boolean): KekAccessKind {
  return {
    kind: 'local',
    async prepare() {
      if (!isAllowed) throw localKekRefused()
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

/** What production answers to a local KEK, old or new, unless the operator allowed it by name. */
export function localKekRefused(): KekFault {
  return new KekFault(
    'misconfigured',
    'local-kek-not-allowed',
    'A KEK in a file on this machine is not customer-held, and is refused in production: use a key in your own cloud KMS, or allow it by name with HASP_ALLOW_LOCAL_KEK=true.',
  )
}
