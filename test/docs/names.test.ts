import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { settings } from '#config/settings.ts'
import { codeOf, readPages, root } from './pages.ts'

const pages = (await readPages()).map(({ path, text }) => ({ path, code: codeOf(text) }))
const each = pages.map(({ path, code }) => [path, code] as const)
const sources = await sourcesOf()
const fileNames = new Set([...sources.keys()].map((path) => basename(path)))
const src = [...sources].filter(([path]) => path.startsWith('src/'))

describe('what the docs name', () => {
  it.each(each)('in %s: the files of the code exist', (path, code) => {
    expect(unknownFilesOf(path, code)).toEqual([])
  })

  it.each(each)('in %s: the settings exist', (_, code) => {
    expect(unknownSettingsOf(code)).toEqual([])
  })

  it.each(each)('in %s: the operations of the API exist', (_, code) => {
    expect(unknownOperationsOf(code)).toEqual([])
  })

  it('is read', () => {
    expect(unknownFilesOf('docs/x.md', 'src/http/server.ts server.ts nonsense.ts')).toEqual(['nonsense.ts'])
    expect(unknownSettingsOf('HASP_PORT HASP_NONSENSE')).toEqual(['HASP_NONSENSE'])
    expect(unknownOperationsOf('GET /api/v1/keks/ID, POST /api/v1/keks/ID/nonsense')).toEqual([
      'POST /keks/:/nonsense',
    ])
  })
})

/** By its path from the root, from src/ or from the page's own folder; a bare name stands for any file of that name. */
function unknownFilesOf(page: string, code: string): string[] {
  const named = [...code.matchAll(/(?<![\w./#-])(?:\.\/|#)?[\w-][\w./-]*\.ts\b/g)].map(([name]) => name)
  const exists = (name: string) =>
    (!name.includes('/') && fileNames.has(name)) ||
    ['', 'src', dirname(page)].some((folder) => existsSync(join(root, folder, name.replace('#', ''))))
  return named.filter((name) => !isPattern(name) && !exists(name))
}

/** `./file.ts`, `migrations/NNNN-name.ts`: how names are made, and no file. */
function isPattern(name: string): boolean {
  return /(?:^|\/)(?:file|NNNN-name)\.ts$/.test(name)
}

/** A setting of the service, or a variable that the command line reads or sets. */
function unknownSettingsOf(code: string): string[] {
  const known = new Set<string>(Object.values(settings).map(({ variable }) => variable))
  const named = new Set([...code.matchAll(/\bHASP_[A-Z_]*[A-Z]\b/g)].map(([name]) => name))
  const isRead = (name: string) => src.some(([, text]) => new RegExp(`\\b${name}\\b`).test(text))
  return [...named].filter((name) => !known.has(name) && !isRead(name))
}

function unknownOperationsOf(code: string): string[] {
  const known = new Set(
    src.flatMap(([path, text]) =>
      path.startsWith('src/http/')
        ? [...text.matchAll(/\.(get|post|patch|put|delete)\(\s*'([^']+)'/g)].map(
            ([, method = '', route = '']) => `${method.toUpperCase()} ${route.replaceAll(/:\w+/g, ':')}`,
          )
        : [],
    ),
  )
  return [...code.matchAll(/\b(GET|POST|PATCH|PUT|DELETE) \/api\/v1(\/[\w/{}-]+)/g)]
    .map(
      ([, method = '', route = '']) =>
        `${method} ${route.replaceAll(/\{\w+\}|(?<=\/)[A-Z]+(?=\/|$)/g, ':').replace(/\/$/, '')}`,
    )
    .filter((operation) => !known.has(operation))
}

async function sourcesOf(): Promise<Map<string, string>> {
  const folders = ['src', 'test', 'bench', 'migrations', 'scripts', '.']
  const found = await Promise.all(
    folders.map(async (folder) => {
      const names = await readdir(join(root, folder), { recursive: folder !== '.' })
      return names.filter((name) => name.endsWith('.ts')).map((name) => join(folder, name))
    }),
  )
  const paths = found.flat()
  const texts = await Promise.all(paths.map((path) => readFile(join(root, path), 'utf8')))
  return new Map(paths.map((path, index) => [path, texts[index] ?? '']))
}
