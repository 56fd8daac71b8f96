import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import type { Database } from '#db/database.ts'
import type { SecretRing } from '#integrity/secret-ring.ts'
import type { KekAccessKind, KekProviders } from '#keks/access.ts'
import type { DrillRunner } from '#keks/drill/run.ts'
import type { LifecycleJobDeps } from '#jobs/deps.ts'
import type { RecordUnwrapper } from '#keks/unwrap-record.ts'
import type { UnwrapJournal } from '#keks/unwrap-journal.ts'
import type { TargetDeps } from '#targets/deps.ts'

/** A Fastify instance whose handlers take their types from their TypeBox schemas. */
export type ApiServer = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** What the routes of the management API hand on to the features. */
export type ApiDeps = Readonly<{
  db: Database
  /** Where tokens are looked up, also those of strangers. */
  lookups: Database
  ring: SecretRing
  now: () => Date
  kekAccessKinds: ReadonlyMap<string, KekAccessKind>
  kekProviders: KekProviders
  journal: UnwrapJournal
  unwrapper: RecordUnwrapper
  drills: DrillRunner
  targets: TargetDeps
  lifecycleJobs: LifecycleJobDeps
  /** How users reach this service, where the operator said so. */
  publicUrl: string | undefined
  /** How long after a verification of a KEK the next is due by itself, in milliseconds; 0 for never. */
  reverifyIntervalMs: number
  /** A stored record is not as this service wrote it. */
  onTampered: (what: { orgId: string; table: string; id: string }) => void
}>
