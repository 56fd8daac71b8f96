/** How long one call to a KMS may take before it counts as unanswered, whatever the cloud. */
export const kekCallMsMax = 2_000
