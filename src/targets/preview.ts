import type { SecretBytes } from '#envelope/secret-bytes.ts'

/** Below this length the eight characters of a preview would be too much of the credential. */
const previewedLengthMin = 20
const shownLength = 4

/** `first four…last four` of a credential, made once when it is written; a short one is never shown in part. */
export function previewOf(credential: SecretBytes): string {
  const bytes = credential.unsafeBytes()
  if (bytes.length < previewedLengthMin) return '••••'
  return `${bytes.toString('latin1', 0, shownLength)}…${bytes.toString('latin1', bytes.length - shownLength)}`
}

/** Whether somebody sends a preview back as if it were the credential. */
export function isPreview(credential: SecretBytes): boolean {
  const bytes = credential.unsafeBytes()
  return bytes.includes('…') || bytes.includes('•') || bytes.includes('***')
}
