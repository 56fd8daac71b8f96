/** A call to a KMS, as far as it can be found again on the KMS's side. */
type FoundCall = Readonly<{
  kmsRequestId?: string | null | undefined
  serviceRequestId?: string | undefined
}>

/**
 * The ids of a call as an entry's details hold them. The cloud's own one stands there only where `kmsRequestId` is one
 * that we gave the call (Azure): absent, not null, elsewhere.
 */
export function callIdsOf({ kmsRequestId, serviceRequestId }: FoundCall) {
  return {
    kmsRequestId: kmsRequestId ?? null,
    ...(serviceRequestId === undefined ? {} : { serviceRequestId }),
  }
}
