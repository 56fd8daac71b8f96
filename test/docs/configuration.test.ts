import { readFile, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { settings } from '#config/settings.ts'

const file = new URL('../../docs/configuration.md', import.meta.url)
const head = '| Variable | Default | Takes | Meaning |\n|---|---|---|---|\n'

type Row = { variable: string; expects: string; fallback: unknown; meaning: string; isSecret?: boolean }

function rowOf({ variable, expects, fallback, meaning, isSecret }: Row): string {
  const secret = isSecret === true ? ' *Secret.*' : ''
  return `| \`${variable}\` | ${defaultOf(fallback)} | ${cell(expects)} | ${cell(meaning)}${secret} |`
}

function defaultOf(fallback: unknown): string {
  if (fallback === undefined || (Array.isArray(fallback) && fallback.length === 0)) return '—'
  return `\`${JSON.stringify(fallback).replaceAll('"', '')}\``
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

describe('docs/configuration.md', () => {
  it('has exactly the settings that exist, as they are (UPDATE_DOCS=1 rewrites it)', async () => {
    const page = await readFile(file, 'utf8')
    const table = `${Object.values(settings).map(rowOf).join('\n')}\n`
    const [before, after] = page.split(head)
    const rest = after?.slice(after.search(/^(?!\|)/m))
    const expected = `${before}${head}${table}${rest}`
    if (process.env['UPDATE_DOCS'] === '1') await writeFile(file, expected)
    expect(process.env['UPDATE_DOCS'] === '1' ? expected : page).toBe(expected)
  })

  it('names a default for each setting that its own parser accepts', () => {
    for (const { variable, fallback, parse } of Object.values(settings)) {
      if (fallback === undefined || typeof fallback === 'object') continue
      expect([variable, parse(String(fallback))]).toEqual([variable, fallback])
    }
  })
})
