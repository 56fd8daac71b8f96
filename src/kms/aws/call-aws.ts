import { KekFault } from '#kms/kek-fault.ts'
import type { AwsCredentials, CredentialSource } from './aws-credentials.ts'
import { faultOf, judgeRefusal } from './aws-faults.ts'
import type { AwsOperation } from './aws-refusal.ts'
import { verdictOfKeyState } from './invalid-state.ts'
import { fromSdkError } from './sdk-errors.ts'

type Call<Result> = (credentials: AwsCredentials) => Promise<Result>

/**
 * One call to AWS with the credentials of `source`. Where AWS refuses the session itself, once more with a fresh
 * one: it may have expired in flight, and if its role is gone, assuming it again says so.
 *
 * @param readKeyState asked (DescribeKey) when KMS says that the key's state is wrong and not which state.
 * @throws {KekFault}
 */
export async function callAws<Result>(
  source: CredentialSource,
  operation: AwsOperation,
  call: Call<Result>,
  readKeyState?: Call<string | undefined>,
): Promise<Result> {
  for (let isRetry = false; ; isRetry = true) {
    const credentials = await source.current()
    try {
      return await call(credentials)
    } catch (error) {
      const refusal = fromSdkError(error)
      if (refusal instanceof KekFault) throw refusal
      if (refusal.isAboutSession && !isRetry) {
        source.discard(credentials)
        continue
      }
      const verdict = judgeRefusal(refusal, operation, source.isOwnPrincipal)
      throw faultOf(verdict ?? verdictOfKeyState(await stateOrUnknown(readKeyState, credentials)), refusal)
    }
  }
}

async function stateOrUnknown(
  readKeyState: Call<string | undefined> | undefined,
  credentials: AwsCredentials,
): Promise<string | undefined> {
  try {
    return await readKeyState?.(credentials)
  } catch {
    return undefined
  }
}
