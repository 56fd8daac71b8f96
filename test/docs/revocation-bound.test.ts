import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { cloudWithdrawals } from '#keks/cloud-withdrawal.ts'
import { span } from '#cli/output/words.ts'
import { root } from './pages.ts'

const page = await readFile(`${root}docs/revocation.md`, 'utf8')

describe('what docs/revocation.md says of a cloud', () => {
  it.each(Object.entries(cloudWithdrawals))('is what the bound is computed from: %s', (_, cloud) => {
    const { boundMs, usually, exceptionally, quickest, source } = cloud
    const row = page.split('\n').find((line) => line.includes(`| ${usually} |`))
    expect(row).toContain(`| ${span(boundMs)} | ${usually} | ${exceptionally ?? '—'} | ${quickest} |`)
    if (source !== null) expect(row).toContain(`](${source})`)
  })
})
