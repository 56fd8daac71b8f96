import { ServiceError } from '#emulators/aws/wire/service-error.ts'
import type { KmsSettings } from './operation.ts'
import type { KmsKey } from './kms-key.ts'

/** Remembers which of the two documented answers a key that awaits deletion gave last. */
const lastPendingAnswer = new WeakMap<KmsKey, string>()

/**
 * Refuses cryptographic use of a key that is not enabled (KMS Developer Guide, "Key states of AWS KMS keys").
 *
 * @throws {ServiceError} DisabledException or KMSInvalidStateException
 */
export function requireUsable(kmsKey: KmsKey, settings: KmsSettings, nowMs: number): void {
  const state = kmsKey.state.effective(nowMs)
  switch (state) {
    case 'Enabled':
      return
    case 'Disabled':
      throw disabled(kmsKey)
    case 'PendingDeletion':
      throw pendingDeletionAnswer(kmsKey, settings) === 'DisabledException'
        ? disabled(kmsKey)
        : invalidState(kmsKey, 'is pending deletion')
    case 'PendingImport':
      throw invalidState(kmsKey, 'is pending import')
    case 'PendingReplicaDeletion':
      throw invalidState(kmsKey, 'is pending replica deletion')
    case 'Creating':
    case 'Updating':
    case 'Unavailable':
      throw invalidState(kmsKey, `is ${state.toLowerCase()}`)
  }
}

/** For changes of a key that awaits deletion, and the like. */
export function invalidState(kmsKey: KmsKey, why: string): ServiceError {
  return new ServiceError('KMSInvalidStateException', `${kmsKey.arn} ${why}.`)
}

function disabled(kmsKey: KmsKey): ServiceError {
  return new ServiceError('DisabledException', `${kmsKey.arn} is disabled.`)
}

function pendingDeletionAnswer(kmsKey: KmsKey, settings: KmsSettings): string {
  if (settings.pendingDeletionError !== 'alternate') return settings.pendingDeletionError
  const answer =
    lastPendingAnswer.get(kmsKey) === 'KMSInvalidStateException'
      ? 'DisabledException'
      : 'KMSInvalidStateException'
  lastPendingAnswer.set(kmsKey, answer)
  return answer
}
