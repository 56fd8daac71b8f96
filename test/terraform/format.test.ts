import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { hasTerraform, terraform, terraformRoot } from '../support/terraform.ts'

it('every Terraform file is formatted as terraform fmt would have it', async () => {
  const flags = ['-check', '-recursive', '-list=true', '-no-color']
  const unformatted = hasTerraform ? await terraform(['fmt', ...flags], terraformRoot) : await badlySpaced()
  expect(unformatted).toBe('')
})

/** Without Terraform: what of its format can be told line by line. */
async function badlySpaced(): Promise<string> {
  const found: string[] = []
  for await (const file of glob('**/*.tf', { cwd: terraformRoot })) {
    const lines = (await readFile(join(terraformRoot, file), 'utf8')).split('\n')
    if (lines.some((line) => /\t|\s$/.test(line) || (/^ */.exec(line)?.[0].length ?? 0) % 2 === 1))
      found.push(file)
  }
  return found.join()
}
