import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Kek } from '#cli/api/replies.ts'
import { CliError } from '#cli/cli-error.ts'

/**
 * Writes each document of a grant into `directory`, named after its title. They hold no secret.
 * @returns the paths
 * @throws {CliError} `file_exists` rather than to replace what somebody may have edited
 */
export async function writeDocuments(directory: string, grant: NonNullable<Kek['grant']>): Promise<string[]> {
  await mkdir(directory, { recursive: true })
  const paths: string[] = []
  for (const { title, body } of grant.documents) {
    const path = join(directory, `${slug(title)}.json`)
    try {
      await writeFile(path, `${body}\n`, { flag: 'wx' })
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'EEXIST') throw error
      throw new CliError(
        'file_exists',
        `${path} exists already, and is left as it is.`,
        'The KEK is registered. Write its documents elsewhere: hasp kek show NAME --file DIR',
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
