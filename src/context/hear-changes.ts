import { listen, type Listener } from '#db/notifications.ts'
import { findUnusableKeks } from '#keks/repository.ts'
import { changesChannel, parseChangeNotice } from '#ledger/record-change.ts'
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
  return stack.use(
    listen({
      connection,
      channel: changesChannel,
      applicationName: 'hasp:listener',
      onMessage: (payload) => {
        const notice = parseChangeNotice(payload)
        if (notice === null) return
        views.forget(notice.orgId)
        if (notice.kekId === null || !notice.kind.startsWith('kek.')) return
        if (notice.kind === 'kek.suspended') onKekGone(notice.kekId)
        else unwrapper.purge(notice.kekId)
      },
      // Notices may have been lost: nothing in hand is trusted, and calls whose KEK went meanwhile are cut.
      onGap: () => {
        views.forgetAll()
        unwrapper.purgeAll()
        void findUnusableKeks(db.kysely, calls.kekIds())
          .then((kekIds) => kekIds.forEach((kekId) => onKekGone(kekId)))
          .catch((error: unknown) => log.error({ err: error }, 'the state of KEKs could not be read anew'))
      },
    }),
  )
}
