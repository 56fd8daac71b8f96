import { mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/**
 * Makes the directory that somebody named, and those above it that are missing; nothing where it is there. One by one:
 * Node's own `recursive` tries for ever below a directory that answers ENOENT to whatever is to be made in it, as those
 * of `/proc` do.
 * @param mode of those that are made
 * @throws what the system says of the first that can not be made
 */
export async function makeDirectory(path: string, mode: number): Promise<void> {
  const directory = resolve(path)
  const parent = dirname(directory)
  try {
    await makeOne(directory, mode)
  } catch (error) {
    if (!isMissing(error) || parent === directory) throw error
    await makeDirectory(parent, mode)
    await makeOne(directory, mode)
  }
}

async function makeOne(directory: string, mode: number): Promise<void> {
  try {
    await mkdir(directory, { mode })
  } catch (error) {
    const isThere = await stat(directory).then(
      (found) => found.isDirectory(),
      () => false,
    )
    if (!isThere) throw error
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
