import { findRevokedVirtualKeys } from '#access/virtual-key-repository.ts'
import { listen, type Listener } from '#db/notifications.ts'
import { findUnusableKeks } from '#keks/repository.ts'
import { changesChannel, parseChangeNotice } from '#ledger/record-change.ts'
import { findDeletedTargets } from '#targets/repository.ts'
import type { Logger } from '#telemetry/log.ts'
import type { Custody } from './build-custody.ts'
import type { Lending } from './build-lending.ts'
import type { Storage } from './open-storage.ts'

/**
 * Acts on what other nodes changed, and this one too. For speed and for running calls only: a request is decided
 * under its organisation's present epoch whether a notice arrived or not.
 */
export function hearChanges(
  stack: AsyncDisposableStack,
  { connection, db }: Storage,
  { unwrapper, calls, onKekGone }: Custody,
  { views }: Lending,
  log: Logger,
): Listener {
  const cutWhatWentMeanwhile = async () => {
    const kekIds = await findUnusableKeks(db.kysely, calls.kekIds())
    kekIds.forEach((kekId) => onKekGone(kekId))
    const virtualKeyIds = await findRevokedVirtualKeys(db.kysely, calls.virtualKeyIds())
    virtualKeyIds.forEach((virtualKeyId) => calls.cutVirtualKey(virtualKeyId))
    const targetIds = await findDeletedTargets(db.kysely, calls.targetIds())
    targetIds.forEach((targetId) => calls.cutTarget(targetId))
  }
  return stack.use(
    listen({
      connection,
      channel: changesChannel,
      applicationName: 'hasp:listener',
      onMessage: (payload) => {
        const notice = parseChangeNotice(payload)
        if (notice === null) return
        const { orgId, kind, kekId, targetId, virtualKeyId } = notice
        views.hear(orgId, notice.epoch)
        if (kekId !== null && kind === 'kek.suspended') onKekGone(kekId)
        else if (kekId !== null && isOfKek(kind)) unwrapper.purge(kekId)
        const callsCut = calls.onChange(notice)
        if (callsCut > 0) log.info({ kind, targetId, virtualKeyId, callsCut }, 'calls under way were cut')
      },
      // Notices may have been lost: nothing in hand is trusted, and calls whose ground went meanwhile are cut.
      onGap: () => {
        views.forgetAll()
        unwrapper.purgeAll()
        calls.onGap()
        void cutWhatWentMeanwhile().catch((error: unknown) =>
          log.error({ err: error }, 'what calls under way are lent on could not be read anew'),
        )
      },
    }),
  )
}

/** A lifecycle job that has ended leaves records of the KEK that nobody opens any more. */
function isOfKek(kind: string): boolean {
  return kind.startsWith('kek.') || kind === 'lifecycle-job.ended'
}
