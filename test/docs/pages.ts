import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export type Page = Readonly<{ path: string; text: string }>

/** Every Markdown page of the project, by its path from the root. */
export async function readPages(): Promise<Page[]> {
  const top = (await readdir(root)).filter((name) => name.endsWith('.md'))
  const below = await Promise.all(
    ['docs', 'src', 'test', 'bench', 'terraform'].map(async (folder) => {
      const found = await readdir(join(root, folder), { recursive: true })
      return found.filter((name) => name.endsWith('.md')).map((name) => join(folder, name))
    }),
  )
  const paths = [...top, ...below.flat()].sort()
  return Promise.all(paths.map(async (path) => ({ path, text: await readFile(join(root, path), 'utf8') })))
}

const fence = /^(```+)[^\n]*\n[\s\S]*?^\1\s*$/gm

/** The page without its code blocks. */
function proseOf(text: string): string {
  return text.replaceAll(fence, '')
}

/** Links and images `[…](target)`, outside of code. */
export function linksOf(text: string): string[] {
  const prose = proseOf(text).replaceAll(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target]) =>
    target === undefined ? [] : [target],
  )
}

/** The anchors that GitHub makes of a page's headings. */
export function anchorsOf(text: string): Set<string> {
  const seen = new Map<string, number>()
  const anchors = new Set<string>()
  for (const [, heading = ''] of proseOf(text).matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const slug = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M}_\- ]/gu, '')
      .replaceAll(' ', '-')
    const count = seen.get(slug) ?? 0
    seen.set(slug, count + 1)
    anchors.add(count === 0 ? slug : `${slug}-${count}`)
  }
  return anchors
}

/** What a reader may type: everything in code blocks and between backquotes. */
export function codeOf(text: string): string {
  const blocks = [...text.matchAll(fence)].map(([block]) => block)
  const spans = [...proseOf(text).matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span)
  return [...blocks, ...spans].join('\n').replaceAll(/\\\n\s*/g, ' ')
}
