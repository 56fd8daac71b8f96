import type { Database, Db } from '#db/database.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import type { KekProviders } from '#keks/access.ts'
import type { UnwrapJournal } from '#keks/unwrap-journal.ts'
import type { KekFault } from '#kms/kek-fault.ts'
import type { Kek } from '#keks/kek.ts'

/** What starts, cancels and shows lifecycle jobs. */
export type LifecycleJobDeps = Readonly<{
  db: Database
  ring: SecretRing
  now: () => Date
  /** Puts a job into the queue, in the caller's transaction; once is enough, more often does no harm. */
  enqueue: (db: Db, job: { orgId: string; jobId: string }) => Promise<void>
}>

/** What carries them out. */
export type RunDeps = Omit<LifecycleJobDeps, 'enqueue'> &
  Readonly<{
    kekProviders: KekProviders
    journal: UnwrapJournal
    /** Called, and awaited, when the KMS answers that a KEK may no longer be used. */
    onRevoked: (kek: Kek, fault: KekFault) => Promise<void>
    /** Told of rows that are not ours. */
    onTampered: (what: { table: string; id: string }) => void
    /** Names this process to whoever looks at a job. */
    runBy: string
  }>
