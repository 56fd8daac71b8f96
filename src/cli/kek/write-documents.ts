import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Kek } from '#cli/api/replies.ts'
import { CliError } from '#cli/cli-error.ts'
import { shellWord } from '#cli/output/words.ts'
import { makeDirectory } from '#config/make-directory.ts'

/**
 * Writes each document of a grant into `directory`, named after its title. They hold no secret.
 * @returns the paths
 * @throws {CliError} `file_exists` rather than to replace what somebody may have edited
 */
export async function writeDocuments(
  directory: string,
  { name, grant }: Pick<Kek, 'name' | 'grant'>,
): Promise<string[]> {
  await makeDirectory(directory, 0o777)
  const paths: string[] = []
  for (const { title, body } of grant?.documents ?? []) {
    const path = join(directory, `${slug(title)}.${/^[[{]/.test(body) ? 'json' : 'txt'}`)
    try {
      await writeFile(path, `${body}\n`, { flag: 'wx' })
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'EEXIST') throw error
      throw new CliError(
        'file_exists',
        `${path} exists already, and is left as it is. The KEK "${name}" is registered.`,
        `Write its documents into another directory: hasp kek show ${shellWord(name)} --file DIR`,
      )
    }
    paths.push(path)
  }
  return paths
}

/** Titles come from the server: what is left of them can not leave the directory. */
function slug(title: string): string {
  return (
    title
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '') || 'document'
  )
}
