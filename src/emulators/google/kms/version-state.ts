import { StatusError } from '#emulators/google/wire/status-error.ts'
import type { CryptoKeyVersion } from './resources.ts'

/**
 * Refuses cryptographic use of a version that is not enabled.
 * @throws {StatusError} FAILED_PRECONDITION, its violation of type KEY_<state>
 */
export function requireEnabled(version: CryptoKeyVersion, nowMs: number): void {
  const state = version.state.effective(nowMs)
  if (state === 'ENABLED') return
  const message = `${version.name} is not enabled, current state is: ${state}.`
  throw new StatusError('FAILED_PRECONDITION', message, {
    violations: [{ type: `KEY_${state}`, subject: version.name, description: message }],
  })
}
