import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { providers } from '#providers/providers.ts'
import { refusalRules, type RefusalRule } from '#proxy/refusal-rules.ts'

const page = await readFile(new URL('../../../docs/proxy.md', import.meta.url), 'utf8')

function retry({ isTerminal, retryAfterSeconds }: RefusalRule): string {
  if (isTerminal) return 'no'
  return retryAfterSeconds === undefined ? 'yes' : `after ${retryAfterSeconds} s`
}

describe('docs/proxy.md', () => {
  it('has exactly the refusals that exist, as they are', () => {
    const rows = Object.entries(refusalRules).map(
      ([code, rule]: [string, RefusalRule]) =>
        `| \`${code}\` | ${rule.status} | ${retry(rule)} | ${rule.message} |`,
    )
    expect(page.split('\n').filter((line) => /^\| `[a-z_]+` \| \d/.test(line))).toEqual(rows)
  })

  it('names every operation, never-lent endpoint and forwarded header', () => {
    for (const { operations, neverLent, requestHeaders, replyHeaders } of providers) {
      const paths = operations.map(({ path }) => path.replace('*', '{model}'))
      for (const name of [...paths, ...neverLent, ...requestHeaders, ...replyHeaders])
        expect(page).toContain(`${name}\``)
    }
  })
})
