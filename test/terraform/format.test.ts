import { expect, it } from 'vitest'
import { terraform, terraformRoot } from '../support/terraform.ts'

it('every Terraform file is formatted as terraform fmt would have it', async () => {
  const unformatted = await terraform(
    ['fmt', '-check', '-recursive', '-list=true', '-no-color'],
    terraformRoot,
  )
  expect(unformatted).toBe('')
})
