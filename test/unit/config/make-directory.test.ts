import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeDirectory } from '#config/make-directory.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hasp-make-directory-'))
})
afterEach(() => rm(directory, { recursive: true }))

const modeOf = async (path: string) => (await stat(path)).mode & 0o777

describe('making a directory', () => {
  it('makes those above it as well, all of its mode', async () => {
    await makeDirectory(join(directory, 'a', 'b', 'c'), 0o700)
    for (const path of ['a', 'a/b', 'a/b/c']) expect(await modeOf(join(directory, path))).toBe(0o700)
  })

  it('makes it once, however many ask for it at once', async () => {
    const asked = Array.from({ length: 20 }, () => makeDirectory(join(directory, 'x', 'y', 'z'), 0o700))
    await Promise.all(asked)
    expect((await stat(join(directory, 'x', 'y', 'z'))).isDirectory()).toBe(true)
  })

  it('leaves one that is there as it is, also behind a link', async () => {
    await mkdir(join(directory, 'there'))
    await chmod(join(directory, 'there'), 0o750)
    await symlink(join(directory, 'there'), join(directory, 'link'))
    for (const path of [directory, join(directory, 'there'), join(directory, 'link'), '/'])
      await makeDirectory(path, 0o700)
    expect(await modeOf(join(directory, 'there'))).toBe(0o750)
  })

  it('takes a path from the working directory', async () => {
    const from = process.cwd()
    process.chdir(directory)
    try {
      await makeDirectory('here/below', 0o700)
    } finally {
      process.chdir(from)
    }
    expect(await modeOf(join(directory, 'here', 'below'))).toBe(0o700)
  })

  it('fails on what is no directory, and on a link to nothing', async () => {
    const file = join(directory, 'file')
    await writeFile(file, '')
    await symlink(join(directory, 'nothing'), join(directory, 'dangling'))
    await expect(makeDirectory(file, 0o700)).rejects.toMatchObject({ code: 'EEXIST' })
    await expect(makeDirectory(join(file, 'below'), 0o700)).rejects.toMatchObject({ code: 'ENOTDIR' })
    await expect(makeDirectory(join(directory, 'dangling'), 0o700)).rejects.toMatchObject({ code: 'EEXIST' })
  })

  it.runIf(process.platform === 'linux').each(['/proc/hasp', '/proc/hasp/a/b', '/proc/self/fd/hasp'])(
    'fails where nobody can make one, though its parent is there: %s',
    async (path) => {
      await expect(makeDirectory(path, 0o700)).rejects.toMatchObject({ code: 'ENOENT' })
    },
  )
})
