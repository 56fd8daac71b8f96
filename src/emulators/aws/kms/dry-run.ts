import { ServiceError } from '#emulators/aws/wire/service-error.ts'
import { flag, type JsonObject } from './input.ts'

/** With `DryRun`, success is this refusal: call it only once everything else would have succeeded. */
export function stopDryRun(input: JsonObject): void {
  if (flag(input, 'DryRun')) throw dryRunSucceeded()
}

/** `DryRunModifiers: [IGNORE_CIPHERTEXT]`: authorization is all that is tested, and no ciphertext is needed. */
export function ignoresCiphertext(input: JsonObject): boolean {
  const modifiers = input['DryRunModifiers']
  return flag(input, 'DryRun') && Array.isArray(modifiers) && modifiers.includes('IGNORE_CIPHERTEXT')
}

export function dryRunSucceeded(): ServiceError {
  return new ServiceError(
    'DryRunOperationException',
    'The request would have succeeded, but the DryRun option is set.',
  )
}
