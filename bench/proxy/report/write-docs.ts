import { readFile, writeFile } from 'node:fs/promises'

const page = new URL('../../../docs/performance.md', import.meta.url)
const begin = '<!-- measured: begin (npm run bench -- --write-docs) -->'
const end = '<!-- measured: end -->'

/** Replaces what stands between the marks of docs/performance.md. @throws {Error} when the marks are missing. */
export async function writeDocs(markdown: string): Promise<void> {
  const text = await readFile(page, 'utf8')
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  if (from === -1 || to < from) throw new Error(`${page.pathname} has lost its marks.`)
  await writeFile(page, `${text.slice(0, from)}${begin}\n\n${markdown}\n\n${text.slice(to)}`)
  console.log(`Written to ${page.pathname}`)
}
