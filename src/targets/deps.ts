import type { Database, Db } from '#db/database.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import type { KekProviders } from '#keks/access.ts'
import type { Kek } from '#keks/kek.ts'
import type { Provider } from '#providers/provider.ts'
import type { ProviderCaller } from './validate-credential.ts'

/** What the operations on targets need. */
export type TargetDeps = Readonly<{
  db: Database
  ring: SecretRing
  findKek: (db: Db, ring: SecretRing, orgId: string, kekId: string) => Promise<Kek>
  readEpoch: (db: Db, orgId: string) => Promise<string>
  kekProviders: KekProviders
  findProvider: (name: string) => Provider | undefined
  providerNames: readonly string[]
  caller: ProviderCaller
  /** Origins beyond the providers' own that a base URL may name. */
  allowedOrigins: ReadonlySet<string>
  now: () => Date
}>
