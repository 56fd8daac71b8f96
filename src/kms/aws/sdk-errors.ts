import { KekFault } from '#kms/kek-fault.ts'
import { credentialsFault, transportFault } from './aws-faults.ts'
import { AwsRefusal } from './aws-refusal.ts'

/**
 * Turns whatever the AWS SDK throws into an {@link AwsRefusal} (AWS answered with an error) or a {@link KekFault}
 * (it did not answer, or not readably). Nothing of the SDK's error is kept: it carries the request, its headers
 * and the raw reply.
 */
export function fromSdkError(error: unknown): AwsRefusal | KekFault {
  if (error instanceof KekFault || error instanceof AwsRefusal) return error
  const { name, message, code, $metadata, $response } = asSdkError(error)
  const status = $metadata?.httpStatusCode ?? $response?.statusCode
  if (name === 'AbortError') return transportFault('aborted')
  if (name === 'TimeoutError' || code === 'ETIMEDOUT') return transportFault('timeout')
  if (name === 'CredentialsProviderError') return credentialsFault()
  if (status === undefined) return transportFault('connection-failed')
  const requestId = $metadata?.requestId
  if (status < 400) return transportFault('malformed-reply', requestId)
  return new AwsRefusal(name, message, status, { requestId })
}

/** The fields that the SDK's errors have in common, each of them only if it is of the type it should be. */
type SdkError = {
  name: string
  message: string
  code?: string
  $metadata?: { httpStatusCode?: number; requestId?: string }
  $response?: { statusCode?: number }
}

function asSdkError(error: unknown): SdkError {
  if (!(error instanceof Error)) return { name: 'UnknownError', message: '' }
  return error
}
