import type { ProxyDeps } from './deps.ts'
import { checkRequestHead } from './request-head.ts'
import { findVirtualKey } from './virtual-key-header.ts'

/** Whose request it is. */
export type KnownCaller = Readonly<{ orgId: string; virtualKeyId: string }>

/**
 * Who asks, for whoever reads the log; lets nobody in. Undefined for strangers: whoever has no virtual key, or none
 * that this node holds as active. Asks no database.
 */
export function knownCaller(
  { virtualKeys }: Pick<ProxyDeps, 'virtualKeys'>,
  rawHeaders: readonly string[],
): KnownCaller | undefined {
  try {
    const grant = virtualKeys.grantInHand(findVirtualKey(checkRequestHead(rawHeaders).headers))
    return grant && { orgId: grant.virtualKey.orgId, virtualKeyId: grant.virtualKey.id }
  } catch {
    // A head that is refused names nobody.
    return undefined
  }
}
