import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const DIGESTS = {
  'envelope-v1-good.json': '0a328be41e0c82a5f830cdce5ba92bc6b5cc4a2c57da4275a510111f20a9d183',
  'envelope-v1-refused.json': '83e04900474a177d7589432864339189012fae015135ffc90af9cfdee9d93ff9',
  'envelope-v1-salamander.json': '44d42a4b67661ac6c508229aae0ff8b0171741ff72c2bb120fed3640b6c3bbd7',
  'integrity-v1.json': 'f288dc4e2d14701cda3c630bc00d3709d7cceef084f0856aff0cac4f123dbd8d',
}

describe('the frozen vectors', () => {
  it.each(Object.entries(DIGESTS))('%s is byte for byte what was published', (name, digest) => {
    const bytes = readFileSync(join(import.meta.dirname, name))
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(digest)
  })
})
