import type { Static } from 'typebox'
import type { AdminTokenReply, IssuedAdminTokenReply } from '#http/routes/admin-tokens/admin-tokens.ts'
import type { TargetReply } from '#http/routes/api-targets/target-schema.ts'
import type { DrillReply } from '#http/routes/drills/drill-schema.ts'
import type { KekReply, VerificationReply } from '#http/routes/keks/kek-schema.ts'
import type { IssuedLinkReply, LinkReply } from '#http/routes/keks/onboarding-link.ts'
import type { EntryReply } from '#http/routes/ledger/list.ts'
import type { CryptoperiodReply, DueRecordReply } from '#http/routes/lifecycle-jobs/cryptoperiod-schema.ts'
import type { LifecycleJobReply } from '#http/routes/lifecycle-jobs/lifecycle-job-schema.ts'
import type { ReceiptReply } from '#http/routes/ledger/receipts.ts'
import type { IssuedVirtualKeyReply, VirtualKeyReply } from '#http/routes/virtual-keys/virtual-key-schema.ts'

/** What the management API answers, by its own schemas. */
export type Kek = Static<typeof KekReply>
export type Verification = Static<typeof VerificationReply>
export type Drill = Static<typeof DrillReply>
export type Link = Static<typeof LinkReply>
export type IssuedLink = Static<typeof IssuedLinkReply>
export type Target = Static<typeof TargetReply>
export type VirtualKey = Static<typeof VirtualKeyReply>
export type IssuedVirtualKey = Static<typeof IssuedVirtualKeyReply>
export type AdminToken = Static<typeof AdminTokenReply>
export type IssuedAdminToken = Static<typeof IssuedAdminTokenReply>
export type LifecycleJob = Static<typeof LifecycleJobReply>
export type Cryptoperiod = Static<typeof CryptoperiodReply>
export type DueRecord = Static<typeof DueRecordReply>
export type Entry = Static<typeof EntryReply>
export type Receipt = Static<typeof ReceiptReply>
export type Organisation = Readonly<{ id: string; name: string; createdAt: string }>
