import { access, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { goodVectors, refusedVectors, salamanderVector } from './generate-envelopes.ts'
import { integrityVectors } from './generate-integrity.ts'

/**
 * Makes the frozen vectors, once. A vector is a promise to every record that was ever sealed: it is never edited
 * and never made anew, so this refuses to run where one of its files exists. A new format gets new files.
 */
const good = goodVectors()
const files = {
  'envelope-v1-good.json': good,
  'envelope-v1-refused.json': refusedVectors(good),
  'envelope-v1-salamander.json': salamanderVector(),
  'integrity-v1.json': integrityVectors(),
}

for (const name of Object.keys(files)) {
  const isThere = await access(join(import.meta.dirname, name)).then(
    () => true,
    () => false,
  )
  if (isThere) throw new Error(`test/vectors/${name} exists, and frozen vectors are never overwritten.`)
}
for (const [name, content] of Object.entries(files)) {
  await writeFile(join(import.meta.dirname, name), `${JSON.stringify(content, null, 2)}\n`, { flag: 'wx' })
}
