/**
 * JSON of `members` with one more member, `credential`, whose bytes are copied in without ever being a string. Both
 * Buffers are the caller's to wipe; `credential` must be plain ASCII without quotes and backslashes.
 */
export function jsonWithCredential(members: Readonly<Record<string, unknown>>, credential: Buffer): Buffer {
  const rest = JSON.stringify(members)
  const head = Buffer.from(`${rest.slice(0, -1)}${rest === '{}' ? '' : ','}"credential":"`)
  const tail = Buffer.from('"}')
  const body = Buffer.alloc(head.length + credential.length + tail.length)
  head.copy(body)
  credential.copy(body, head.length)
  tail.copy(body, head.length + credential.length)
  return body
}
