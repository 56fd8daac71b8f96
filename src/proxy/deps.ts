import type { VirtualKeyDirectory } from '#access/virtual-key-directory.ts'
import type { RecordUnwrapper } from '#keks/unwrap-record.ts'
import type { Receipt, ReceiptOutcome } from '#ledger/receipt.ts'
import type { OrganisationViews } from '#targets/organisation-view.ts'
import type { OrganisationShares } from './organisation-shares.ts'
import type { BodyBudget } from './read-body.ts'
import type { CallsInFlight } from './calls-in-flight.ts'
import type { KnownCaller } from './known-caller.ts'
import type { ProxyStats } from './proxy-stats.ts'
import type { RefusalCode } from './refusal-rules.ts'
import type { UpstreamTransport } from './upstream/upstream-transport.ts'

/** What the proxy needs of the rest of Hasp. */
export type ProxyDeps = Readonly<{
  virtualKeys: Pick<VirtualKeyDirectory, 'authenticate' | 'grantInHand'>
  views: Pick<OrganisationViews, 'find' | 'forget' | 'isCurrent' | 'isOvertaken'>
  unwrapper: Pick<RecordUnwrapper, 'unwrap' | 'revocationsOf'>
  receipts: {
    commit(receipt: Receipt): Promise<'committed' | 'stale'>
    settle(outcome: ReceiptOutcome): void
  }
  transport: Pick<UpstreamTransport, 'send'>
  bodies: BodyBudget
  calls: CallsInFlight
  shares: OrganisationShares
  stats: ProxyStats
  /** Aborted when this node stops: from then on it takes no new calls. */
  stopping: AbortSignal
  newReceiptId: () => string
  now: () => Date
  upstreamHeadersTimeoutMs: number
  upstreamIdleTimeoutMs: number
  /** The provider answered 401 to the credential of this target. */
  onCredentialRejected: (target: { orgId: string; targetId: string; generation: number }) => void
  onTargetUsed: (target: { orgId: string; targetId: string }) => void
  /** Whether what failed is the connection to the database. */
  isDatabaseAway: (error: unknown) => boolean
  /** Hasp itself answered a request; for the log. */
  onRefused: (refused: RefusedRequest) => void
  /** Something failed that nobody foresaw; for the log. `requestId`: as in {@link RefusedRequest}. */
  onUnexpected: (error: unknown, requestId?: string) => void
}>

/** What may be told of a request that was refused. */
export type RefusedRequest = Readonly<{
  /** By which the caller knows the refusal, too. */
  requestId: string
  code: RefusalCode
  /** Undefined where no call was receipted. */
  receiptId: string | undefined
  /** Undefined for a stranger. */
  caller: KnownCaller | undefined
}>
