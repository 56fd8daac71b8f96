const credentialBytesMin = 8
const credentialBytesMax = 4096

/**
 * Whether `credential` is 8 to 4096 bytes of printable ASCII without spaces. Anything else could end the header that
 * it is sent in, and is in practice a pasted line end, a quoted file or a wrong clipboard.
 */
export function isPlausibleCredential(credential: Uint8Array): boolean {
  if (credential.length < credentialBytesMin || credential.length > credentialBytesMax) return false
  return credential.every((byte) => byte > 0x20 && byte < 0x7f)
}
