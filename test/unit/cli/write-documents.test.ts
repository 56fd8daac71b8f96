import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeDocuments } from '#cli/kek/write-documents.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hasp-documents-'))
})
afterAll(() => rm(directory, { recursive: true }))

describe('the documents of a grant, written down', () => {
  const documents = [
    { title: 'Consent', body: 'https://login.example/adminconsent' },
    { title: 'Tag of the ../key', body: '{ "hasp-kek": "hasp-1" }' },
  ]

  it('are called by what they are, and stay within their directory', async () => {
    const paths = await writeDocuments(directory, { name: 'prod', grant: { summary: '', documents } })
    expect(paths).toEqual([join(directory, 'consent.txt'), join(directory, 'tag-of-the-key.json')])
    expect(JSON.parse(await readFile(join(directory, 'tag-of-the-key.json'), 'utf8'))).toEqual({
      'hasp-kek': 'hasp-1',
    })
  })

  it('replace nothing, and say how to have them elsewhere', async () => {
    const again = writeDocuments(directory, { name: 'my prod', grant: { summary: '', documents } })
    await expect(again).rejects.toMatchObject({
      code: 'file_exists',
      hint: expect.stringContaining("kek show 'my prod' --file DIR"),
    })
  })
})
