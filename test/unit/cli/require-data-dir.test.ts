import { chown, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { requireDataDir } from '#cli/service/require-data-dir.ts'

const isRoot = process.getuid?.() === 0
let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hasp-data-dir-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const refusal = { code: 'data_dir_unusable', hint: expect.stringContaining('HASP_DATA_DIR') }

describe('a data directory', () => {
  it('is made where there is none, and nothing is left in it by looking', async () => {
    const dataDir = join(directory, 'a', 'b')
    await requireDataDir({ dataDir, databaseUrl: undefined })
    expect(await readdir(dataDir)).toEqual([])
  })

  it('that can not be made is refused', async () => {
    await writeFile(join(directory, 'file'), '')
    const dataDir = join(directory, 'file', 'data')
    await expect(requireDataDir({ dataDir, databaseUrl: undefined })).rejects.toMatchObject(refusal)
  })

  it.each(['/proc/hasp', '/proc/hasp/data', '/proc/self/hasp'])(
    'that nobody can make is refused at once, though Node would try for ever: %s',
    async (dataDir) => {
      await expect(requireDataDir({ dataDir, databaseUrl: undefined })).rejects.toMatchObject({
        ...refusal,
        message: expect.stringContaining(dataDir),
      })
    },
  )

  it('that can not be written to is refused by writing, which no user is above', async () => {
    // Nobody makes a directory there, root included.
    await expect(requireDataDir({ dataDir: '/proc/self', databaseUrl: undefined })).rejects.toMatchObject(
      refusal,
    )
  })

  it('whose database another user made is refused at once', async () => {
    const made = join(directory, 'postgres')
    // Only root gives files away; whoever else runs the tests has a directory of root's to try.
    if (isRoot) {
      await mkdir(made)
      await requireDataDir({ dataDir: directory, databaseUrl: undefined })
      await chown(made, 65_534, 65_534)
    } else await symlink('/etc', made)
    await expect(requireDataDir({ dataDir: directory, databaseUrl: undefined })).rejects.toMatchObject({
      code: 'data_dir_unusable',
      message: expect.stringContaining(isRoot ? 'uid 65534' : 'uid 0'),
    })
    await requireDataDir({ dataDir: directory, databaseUrl: 'postgres://elsewhere/hasp' })
  })
})
