import type { SecretBytes } from '#envelope/secret-bytes.ts'
import type { Provider } from '#providers/provider.ts'
import { TargetError } from './target-error.ts'

/**
 * Sends one small request with a credential that never becomes a string; `context.ts` supplies the transport.
 * `bodyStart` may repeat part of the credential: it is read and dropped, never logged or shown.
 */
export interface ProviderCaller {
  /** @throws {UpstreamError} when the provider cannot be reached. */
  call(request: {
    baseUrl: string
    method: string
    path: string
    headers: readonly string[]
    credential: { headerName: string; prefix: string; secret: SecretBytes }
  }): Promise<{ status: number; bodyStart: string }>
}

export type CredentialVerdict = Readonly<{ verification: 'accepted' | 'rejected'; detail: string | null }>

/**
 * Shows the credential to its provider with the least request that answers whether it is good.
 * @throws {TargetError} `credential_not_checkable` when the provider gave no answer that tells.
 */
export async function validateCredential(
  caller: ProviderCaller,
  provider: Provider,
  baseUrl: string,
  credential: SecretBytes,
): Promise<CredentialVerdict> {
  const { method, path, headers } = provider.validation
  let reply: Awaited<ReturnType<ProviderCaller['call']>>
  try {
    reply = await caller.call({
      baseUrl,
      method,
      path,
      headers,
      credential: {
        headerName: provider.credentialHeader.name,
        prefix: provider.credentialHeader.prefix,
        secret: credential,
      },
    })
  } catch (error) {
    const why = error instanceof Error ? error.message : 'no answer'
    throw new TargetError(
      'credential_not_checkable',
      `${provider.label} could not be asked about the credential at ${new URL(baseUrl).origin}: ${why}`,
    )
  }
  const verdict = provider.readValidation(reply.status, reply.bodyStart)
  if (verdict === 'unclear') {
    throw new TargetError(
      'credential_not_checkable',
      `${provider.label} answered HTTP ${reply.status}, which does not tell whether the credential is good: try again.`,
    )
  }
  return {
    verification: verdict,
    detail: verdict === 'rejected' ? `${provider.label} answered HTTP ${reply.status}.` : null,
  }
}
