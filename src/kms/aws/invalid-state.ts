import { misconfigured, revoked, tampered, throttled, unreachable, type Verdict } from '#kms/verdict.ts'

/** The word of a proxy that is not AWS's, passed on as text: the key itself is asked again. */
const revokedByProxy = (message: string): Verdict => revoked(message, { isAmbiguous: true })

const OUTAGE = unreachable(
  'The external key store proxy cannot be reached; nothing was changed. It will be tried again.',
)
const STORE_SET_UP = misconfigured(
  'The external key store proxy refuses KMS itself: check the store’s configuration.',
)

/**
 * `KMSInvalidStateException` covers the state of the key and, for keys in an external key store, every failure
 * of the proxy; only the text tells them apart (KMS Developer Guide, "Troubleshooting external key stores",
 * whose sentences these patterns are cut from). The first that matches counts.
 */
const MESSAGES: readonly (readonly [pattern: RegExp, verdict: Verdict])[] = [
  [
    /pending (?:replica )?deletion|pendingdeletion/i,
    revoked('The KMS key is scheduled for deletion: cancel the deletion and enable the key.'),
  ],
  [/pending import|pendingimport/i, revoked('The key material was deleted or has expired: import it again.')],
  [
    /\b(?:creating|updating)\b/i,
    unreachable('The KMS key is being created or updated. It will be tried again.'),
  ],
  [/did not respond|in the (?:allotted time|time allotted)|timed out/i, OUTAGE],
  [/cannot communicate with (?:the )?external key/i, OUTAGE],
  [/could not reach the external key manager|unhealthy state|cannot interpret the response/i, OUTAGE],
  [/cannot communicate with the external key manager/i, OUTAGE],
  [
    /request rate|number of requests/i,
    throttled('The external key store proxy asks for fewer requests. It will be tried again.'),
  ],
  [
    /denied access to the operation/i,
    revokedByProxy('The external key store proxy denied access: authorise the principal and the key there.'),
  ],
  [
    /external key is not enabled/i,
    revokedByProxy('The external key is not enabled: enable it in the external key manager.'),
  ],
  [
    /could not find the external key/i,
    revokedByProxy('The external key store proxy cannot find the external key.'),
  ],
  [
    /corrupted, missing, or otherwise invalid/i,
    tampered('The wrapped DEK or its context is not what was wrapped.'),
  ],
  [/could not authenticate/i, STORE_SET_UP],
  [/invalid uri path|tls (?:configuration|certificate)/i, STORE_SET_UP],
  [
    /does not support the requested/i,
    misconfigured('The external key or its proxy does not support encryption and decryption.'),
  ],
]

/**
 * What the text of a `KMSInvalidStateException` says; undefined when it says nothing we know, and then the key's
 * own state must be read (see {@link verdictOfKeyState}): guessing `revoked` would turn an outage into a
 * revocation, guessing `unreachable` would hide one.
 */
export function verdictOfInvalidState(message: string): Verdict | undefined {
  return MESSAGES.find(([pattern]) => pattern.test(message))?.[1]
}

const DELETION = revoked('The KMS key is scheduled for deletion: cancel the deletion and enable the key.')

const KEY_STATES: ReadonlyMap<string | undefined, Verdict> = new Map([
  ['Disabled', revoked('The KMS key is disabled: enable it.')],
  ['PendingDeletion', DELETION],
  ['PendingReplicaDeletion', DELETION],
  ['PendingImport', revoked('The key material was deleted or has expired: import it again.')],
  ['Unavailable', revoked('The key store of the KMS key is disconnected: connect it again.')],
])

/**
 * What `DescribeKey` tells about a KEK that answered with an unknown `KMSInvalidStateException`; undefined stands
 * for a state that could not be read. `Unavailable` means that its key store was disconnected on purpose (KMS
 * Developer Guide, "How to fix unavailable KMS keys"); a store that merely fails leaves the key `Enabled`.
 */
export function verdictOfKeyState(keyState: string | undefined): Verdict {
  return (
    KEY_STATES.get(keyState) ??
    unreachable('The KMS says that the key cannot serve now, and not why. It will be tried again.')
  )
}
