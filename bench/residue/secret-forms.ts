/** Something that is looked for. */
export type Secret = Readonly<{
  name: string
  kind: 'credential' | 'dek' | 'record-key' | 'virtual-key' | 'admin-token' | 'service-secret'
  bytes: Buffer
}>

/** A secret's bytes in one of the shapes in which a program may hold them. */
export type SecretForm = Readonly<{ encoding: string; bytes: Buffer }>

/**
 * Plain, UTF-16 (two-byte strings of V8), hex, and base64 at its three alignments: what of the text is the same
 * whatever stands before and after the secret in what was encoded. base64url and percent-encoding where they differ.
 */
export function formsOf(secret: Buffer): SecretForm[] {
  const percented = percentEncode(secret)
  const forms: SecretForm[] = [
    { encoding: 'plain', bytes: secret },
    { encoding: 'utf-16le', bytes: Buffer.from(secret.toString('latin1'), 'utf16le') },
    { encoding: 'hex', bytes: Buffer.from(secret.toString('hex')) },
    { encoding: 'HEX', bytes: Buffer.from(secret.toString('hex').toUpperCase()) },
    { encoding: 'percent', bytes: Buffer.from(percented) },
    {
      encoding: 'percent (lower case)',
      bytes: Buffer.from(percented.replace(/%../g, (code) => code.toLowerCase())),
    },
  ]
  for (const alignment of [0, 1, 2]) {
    forms.push({ encoding: `base64+${alignment}`, bytes: base64At(secret, alignment, 'base64') })
    forms.push({ encoding: `base64url+${alignment}`, bytes: base64At(secret, alignment, 'base64url') })
  }
  return forms.filter((form, index) => forms.findIndex((other) => other.bytes.equals(form.bytes)) === index)
}

/** The base64 of `secret` after `alignment` unknown bytes, without the characters that also hold bits of others. */
function base64At(secret: Buffer, alignment: number, encoding: 'base64' | 'base64url'): Buffer {
  const text = Buffer.concat([Buffer.alloc(alignment), secret])
    .toString(encoding)
    .replace(/=+$/, '')
  const mixedBefore = Math.ceil((alignment * 8) / 6)
  const mixedAfter = (alignment + secret.length) % 3 === 0 ? 0 : 1
  return Buffer.from(text.slice(mixedBefore, text.length - mixedAfter))
}

/** All but the unreserved characters (RFC 3986 §2.3) as %XX. */
function percentEncode(secret: Buffer): string {
  return secret
    .toString('latin1')
    .replace(
      /[^A-Za-z0-9_.~-]/g,
      (character) => `%${Buffer.from(character, 'latin1').toString('hex').toUpperCase()}`,
    )
}
