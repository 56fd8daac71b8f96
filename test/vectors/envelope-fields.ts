/** Where each field of an envelope starts and how long it is, worked out from docs/envelope-format.md. */
export function envelopeFields(bytes: Buffer): { name: string; start: number; length: number }[] {
  const fields: { name: string; start: number; length: number }[] = []
  let start = 0
  const field = (name: string, length: number): number => {
    fields.push({ name, start, length })
    start += length
    return length > 0 && length <= 4 ? bytes.readUIntBE(start - length, length) : 0
  }
  field('magic', 4)
  field('format', 1)
  field('suite', 1)
  field('kekProvider', 1)
  field('kekRef', field('kekRefLength', 2))
  field('materialId', field('materialIdLength', 1))
  field('generation', 8)
  field('messageId', 32)
  field('wrapAlgorithm', 1)
  field('wrappedDek', field('wrappedDekLength', 2))
  field('commitment', 32)
  field('nonce', 12)
  field('ciphertext', field('ciphertextLength', 4))
  field('tag', 16)
  return fields
}
