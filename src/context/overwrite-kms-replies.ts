import type { ReadBuffers } from '#http/read-buffers.ts'
import { onSecretReceived } from '#kms/exchange-bytes.ts'

/** The longest that a KMS reply stands in the read buffer; and how often, at most, the buffer is overwritten for one. */
const overwriteAfterMs = 50

/**
 * Overwrites what replies of KMSs leave in the buffer into which Node reads all connections: a DEK as base64. One
 * overwriting is for all replies that came meanwhile, so that its cost (docs/residue.md) does not grow with the load.
 */
export function overwriteKmsReplies(
  stack: AsyncDisposableStack,
  readBuffers: Pick<ReadBuffers, 'overwrite'>,
): void {
  let timer: NodeJS.Timeout | undefined
  stack.defer(() => clearTimeout(timer))
  stack.use(
    onSecretReceived(() => {
      timer ??= setTimeout(() => {
        timer = undefined
        readBuffers.overwrite()
      }, overwriteAfterMs).unref()
    }),
  )
}
