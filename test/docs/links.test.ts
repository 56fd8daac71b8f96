import { access } from 'node:fs/promises'
import { join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import { anchorsOf, linksOf, readPages, root } from './pages.ts'

const pages = await readPages()
const texts = new Map(pages.map(({ path, text }) => [path, text]))

describe('links between pages', () => {
  it.each(pages.map(({ path, text }) => [path, text] as const))(
    'in %s lead somewhere',
    async (path, text) => {
      const broken: string[] = []
      for (const link of linksOf(text)) {
        if (/^[a-z]+:/.test(link)) continue
        const [file = '', anchor] = decodeURI(link).split('#')
        const target = file === '' ? path : normalize(join(path, '..', file))
        const isThere = await access(join(root, target)).then(
          () => true,
          () => false,
        )
        const isAnchored = anchor === undefined || anchorsOf(texts.get(target) ?? '').has(anchor)
        if (!isThere || !isAnchored) broken.push(link)
      }
      expect(broken).toEqual([])
    },
  )

  it('are found at all', () => {
    expect(linksOf('see [a](b.md#c) and `[not](this.md)`')).toEqual(['b.md#c'])
    expect([...anchorsOf('# Tell `it`, twice\n## A (b)\n## A (b)\n```\n# no\n```\n')]).toEqual([
      'tell-it-twice',
      'a-b',
      'a-b-1',
    ])
  })
})
