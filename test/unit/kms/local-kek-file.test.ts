import { execFileSync } from 'node:child_process'
import { chmod, chown, mkdtemp, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { KekFault } from '#kms/kek-fault.ts'
import { createLocalKek, localKekPath, readLocalKek } from '#kms/local-kek-file.ts'
import { LocalKekProvider } from '#kms/local-kek-provider.ts'

const ownFileOfRoot = process.platform === 'darwin' ? '/etc/master.passwd' : '/etc/shadow'
let directory: string
let path: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hasp-local-kek-'))
  path = localKekPath(directory, 'demo')
})
afterEach(() => rm(directory, { recursive: true }))

describe('making a local KEK', () => {
  it('writes 32 random bytes that only their owner can read', async () => {
    await createLocalKek(directory, 'demo')
    await createLocalKek(directory, 'other')
    const stats = await stat(path)
    expect(stats.mode & 0o7777).toBe(0o600)
    expect(stats.size).toBe(32)
    expect(await readFile(path)).not.toEqual(await readFile(localKekPath(directory, 'other')))
  })

  it('never overwrites one', async () => {
    await createLocalKek(directory, 'demo')
    const before = await readFile(path)
    await expect(createLocalKek(directory, 'demo')).rejects.toMatchObject({
      kind: 'misconfigured',
      code: 'EEXIST',
    })
    expect(await readFile(path)).toEqual(before)
  })

  it('makes the directory, for its owner only, and none above it', async () => {
    const keks = join(directory, 'keks')
    await createLocalKek(keks, 'demo')
    expect((await stat(keks)).mode & 0o7777).toBe(0o700)
    await expect(createLocalKek(join(directory, 'a', 'b'), 'demo')).rejects.toMatchObject({
      kind: 'misconfigured',
      code: 'ENOENT',
    })
  })

  it.runIf(process.platform === 'linux')('fails where nobody makes a directory', async () => {
    await expect(createLocalKek('/proc/hasp', 'demo')).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it.each(['', '../demo', 'a/b', 'A', '-a', 'a.b', 'a'.repeat(64), 'a\n'])('refuses the id %j', (id) => {
    expect(() => new LocalKekProvider(directory, id)).toThrow(
      expect.objectContaining({ kind: 'misconfigured' }),
    )
  })
})

describe('reading a local KEK that is not safely ours', () => {
  beforeEach(() => createLocalKek(directory, 'demo'))

  it('gives the bytes of a good one', async () => {
    using material = await readLocalKek(path)
    expect(material.unsafeBytes()).toEqual(await readFile(path))
  })

  it.each([0o640, 0o604, 0o660, 0o644, 0o777, 0o400, 0o4600])(
    'refuses mode %i and says chmod',
    async (mode) => {
      await chmod(path, mode)
      await expect(readLocalKek(path)).rejects.toMatchObject({
        kind: 'misconfigured',
        message: expect.stringMatching(/chmod 600|belong to the user/),
      })
    },
  )

  it('refuses a file of another user', async () => {
    const isRoot = process.geteuid?.() === 0
    if (isRoot) await chown(path, 12345, 12345)
    // Only root gives files away; whoever else runs the tests has one of root's to try.
    await expect(readLocalKek(isRoot ? path : ownFileOfRoot)).rejects.toMatchObject({
      kind: 'misconfigured',
      code: isRoot ? 'ForeignOwner' : 'EACCES',
      message: expect.stringContaining('must belong to the user that runs Hasp'),
    })
  })

  it('refuses a symbolic link, even to a good file', async () => {
    const link = localKekPath(directory, 'link')
    await symlink(path, link)
    await expect(readLocalKek(link)).rejects.toMatchObject({ kind: 'misconfigured', code: 'ELOOP' })
  })

  it('refuses a directory, and a named pipe without waiting for its writer', async () => {
    await expect(readLocalKek(directory)).rejects.toMatchObject({ kind: 'misconfigured', code: 'NotAFile' })
    const pipe = localKekPath(directory, 'pipe')
    execFileSync('mkfifo', ['-m', '600', pipe])
    await expect(readLocalKek(pipe)).rejects.toMatchObject({ kind: 'misconfigured', code: 'NotAFile' })
  })

  it.each([0, 31, 33])('refuses %i bytes', async (length) => {
    await truncate(path, length)
    await expect(readLocalKek(path)).rejects.toMatchObject({ kind: 'misconfigured', code: 'WrongLength' })
  })

  it('calls it revoked when the file or its directory is gone', async () => {
    await rm(path)
    await expect(readLocalKek(path)).rejects.toMatchObject({ kind: 'revoked', code: 'ENOENT' })
    await writeFile(join(directory, 'file'), '')
    const below = join(directory, 'file', 'demo.kek')
    await expect(readLocalKek(below)).rejects.toMatchObject({ kind: 'revoked', code: 'ENOTDIR' })
  })

  it('calls it unreachable when the file system fails otherwise', async () => {
    await expect(readLocalKek(join(directory, `${'x'.repeat(300)}.kek`))).rejects.toMatchObject({
      kind: 'unreachable',
      code: 'ENAMETOOLONG',
    })
  })

  it('never puts the path into what it tells', async () => {
    await rm(path)
    const fault: unknown = await readLocalKek(path).catch((error: unknown) => error)
    expect(fault).toBeInstanceOf(KekFault)
    expect(String(fault)).not.toContain(directory)
  })
})
