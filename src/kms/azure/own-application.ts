import { readFile } from 'node:fs/promises'

/**
 * The multi-tenant application that Hasp is, and how it proves that it is. Both are asked for anew with each
 * token, so that a rotated file is picked up.
 */
export type OwnApplication = Readonly<
  | { clientId: string; kind: 'assertion'; readAssertion: () => Promise<string> }
  | { clientId: string; kind: 'secret'; readSecret: () => Promise<string> }
>

/** What the operator gave; the federated token goes before the secret. Undefined without a client id. */
export function ownApplication(
  given: Readonly<{
    clientId?: string | undefined
    federatedTokenFile?: string | undefined
    clientSecretFile?: string | undefined
  }>,
): OwnApplication | undefined {
  const { clientId, federatedTokenFile, clientSecretFile } = given
  if (clientId === undefined) return undefined
  if (federatedTokenFile !== undefined) {
    return { clientId, kind: 'assertion', readAssertion: () => readTrimmed(federatedTokenFile) }
  }
  if (clientSecretFile !== undefined) {
    return { clientId, kind: 'secret', readSecret: () => readTrimmed(clientSecretFile) }
  }
  return undefined
}

async function readTrimmed(path: string): Promise<string> {
  return (await readFile(path, 'utf8')).trim()
}
