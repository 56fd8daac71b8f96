import { Refusal } from './refusal.ts'

const tokenStart = 'hasp_vk_'
const adminTokenStart = 'hasp_admin_'
const tokenLengthMax = 128

/** Where SDKs put their key, and a header of our own for clients that need `authorization` for something else. */
const credentialHeaders = new Set(['authorization', 'x-api-key', 'api-key', 'x-goog-api-key', 'x-hasp-key'])

const adminTokenMessage =
  'An admin token of Hasp was sent, which is for the management API alone and must not be given to agents: use a virtual key (hasp_vk_…).'

/**
 * The one virtual key among a request's headers (`RequestHead.headers`: flat, so that duplicates are seen).
 * The same key may come twice; a foreign credential beside it is neither read nor forwarded (AWS clients must sign).
 * The token's checksum is left to whoever looks it up.
 * @throws {Refusal} `virtual_key_missing`, `virtual_key_not_ours`, `virtual_key_ambiguous`; never repeating a value.
 */
export function findVirtualKey(headers: readonly string[]): string {
  let found: string | undefined
  let isForeignSeen = false
  let isAdminTokenSeen = false
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? ''
    if (!credentialHeaders.has(name)) continue
    const credential = credentialOf(name, headers[index + 1] ?? '')
    if (credential === '') continue
    if (credential.startsWith(adminTokenStart)) isAdminTokenSeen = true
    else if (!isOurs(credential)) isForeignSeen = true
    else if (found === undefined) found = credential
    else if (found !== credential) throw new Refusal('virtual_key_ambiguous')
  }
  if (found !== undefined) return found
  if (isAdminTokenSeen) throw new Refusal('virtual_key_not_ours', { message: adminTokenMessage })
  throw new Refusal(isForeignSeen ? 'virtual_key_not_ours' : 'virtual_key_missing')
}

/** What the header presents: in `authorization` what follows `Bearer` (RFC 6750 §2.1), elsewhere the whole value. */
function credentialOf(name: string, value: string): string {
  const text = value.trim()
  if (name !== 'authorization' || text.slice(0, 6).toLowerCase() !== 'bearer') return text
  const rest = text.slice(6)
  return rest === '' || rest.startsWith(' ') ? rest.trim() : text
}

/** The prefix, then letters and digits only. */
function isOurs(credential: string): boolean {
  if (!credential.startsWith(tokenStart) || credential.length > tokenLengthMax) return false
  for (let at = tokenStart.length; at < credential.length; at++) {
    const code = credential.charCodeAt(at)
    const isDigit = code >= 0x30 && code <= 0x39
    const isLetter = (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a
    if (!isDigit && !isLetter) return false
  }
  return credential.length > tokenStart.length
}
