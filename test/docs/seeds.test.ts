import { readFile } from 'node:fs/promises'
import { Value } from 'typebox/value'
import { expect, it } from 'vitest'
import { Seed as AwsSeed } from '#emulators/aws/control/inputs.ts'
import { Seed as AzureSeed } from '#emulators/azure/control/inputs.ts'
import { Seed as GoogleSeed } from '#emulators/google/control/inputs.ts'

it('every seed that docs/emulators.md shows is taken by its emulator', async () => {
  const page = await readFile(new URL('../../docs/emulators.md', import.meta.url), 'utf8')
  const [, section = ''] = page.split(/^## A seed$/m)
  const shown = [...section.matchAll(/^```json$([^]*?)^```$/gm)].map(([, text = '']) => JSON.parse(text))
  const schemas = [AwsSeed, GoogleSeed, AzureSeed]
  expect(shown).toHaveLength(schemas.length)
  for (const [index, schema] of schemas.entries()) expect([...Value.Errors(schema, shown[index])]).toEqual([])
})
