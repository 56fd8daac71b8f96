import type { SecretBytes } from '#envelope/secret-bytes.ts'
import type { Provider } from '#providers/provider.ts'
import type { TargetDeps } from './deps.ts'
import { isPreview } from './preview.ts'
import { TargetError } from './target-error.ts'
import { validateCredential } from './validate-credential.ts'

/**
 * Refuses a credential that can not be one, or that its provider does not accept, before anything is stored.
 * @param isValidated false leaves the provider unasked: the credential is then shown as unchecked.
 * @throws {TargetError} `credential_is_preview`, `credential_malformed`, `credential_rejected_by_provider`,
 *   `credential_not_checkable`
 */
export async function checkCredential(
  deps: Pick<TargetDeps, 'caller'>,
  provider: Provider,
  input: { baseUrl: string; credential: SecretBytes; isValidated: boolean },
): Promise<'accepted' | 'unchecked'> {
  assertPlausible(provider, input.credential)
  if (!input.isValidated) return 'unchecked'
  const verdict = await validateCredential(deps.caller, provider, input.baseUrl, input.credential)
  if (verdict.verification === 'accepted') return 'accepted'
  throw new TargetError(
    'credential_rejected_by_provider',
    `The provider refuses this credential: ${verdict.detail ?? ''} Nothing was stored.`,
  )
}

function assertPlausible(provider: Provider, credential: SecretBytes): void {
  if (isPreview(credential)) {
    throw new TargetError(
      'credential_is_preview',
      'This is the preview that Hasp shows, not the credential itself. Leave the field out to keep the stored one.',
    )
  }
  if (!provider.isPlausibleCredential(credential.unsafeBytes())) {
    throw new TargetError(
      'credential_malformed',
      `This can not be a credential of ${provider.label}: 8 to 4096 printable ASCII characters, without spaces or line ends.`,
    )
  }
}
