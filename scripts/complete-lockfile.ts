import { readFileSync, writeFileSync } from 'node:fs'

/**
 * Adds to package-lock.json the optional platform packages that it names but does not list. `npm install` leaves out
 * those that the registry in use does not serve, and `npm ci` then refuses the lockfile as incomplete on every
 * machine. Run it after each change of dependencies: node scripts/complete-lockfile.ts
 */
type LockedPackage = { version: string; dev?: boolean; optionalDependencies?: Record<string, string> }
type Lockfile = { packages: Record<string, LockedPackage> }

const path = new URL('../package-lock.json', import.meta.url)
const lockfile: Lockfile = JSON.parse(readFileSync(path, 'utf8'))
const { packages } = lockfile
let added = 0
for (const [at, { dev, optionalDependencies = {} }] of Object.entries(packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const place = `node_modules/${name}`
    if (place in packages || `${at}/${place}` in packages) continue
    packages[place] = { ...platformPackage(name, version), ...(dev === true ? { dev } : {}) }
    added += 1
  }
}
const { '': root, ...rest } = packages
const sorted = Object.entries(rest).toSorted(([a], [b]) => a.localeCompare(b, 'en'))
lockfile.packages = { ...(root === undefined ? {} : { '': root }), ...Object.fromEntries(sorted) }
writeFileSync(path, `${JSON.stringify(lockfile, null, 2)}\n`)
process.stdout.write(`${added} platform packages added.\n`)

/** `@scope/binding-linux-x64-gnu` says which system, processor and C library it is for. */
function platformPackage(name: string, version: string) {
  const [system = '', cpu = '', library = ''] = (name.split('/')[1] ?? '').replace('binding-', '').split('-')
  if (!/^(android|darwin|freebsd|linux|openharmony|win32)$/.test(system) || cpu === '') {
    throw new Error(`${name} is missing from the lockfile, and its name does not tell its platform.`)
  }
  const libc = system === 'linux' ? { libc: [library.startsWith('musl') ? 'musl' : 'glibc'] } : {}
  return { version, cpu: [cpu], ...libc, optional: true, os: [system] }
}
