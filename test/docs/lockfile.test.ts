import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

type LockedPackage = { version: string; optionalDependencies?: Record<string, string> }

describe('the lockfile', () => {
  const lockfile: { packages: Record<string, LockedPackage> } = JSON.parse(
    readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'),
  )

  it('lists every optional package that it names, or `npm ci` refuses it', () => {
    const { packages } = lockfile
    const missing = Object.entries(packages).flatMap(([at, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) => !(`node_modules/${name}` in packages) && !(`${at}/node_modules/${name}` in packages),
      ),
    )
    expect(missing, 'run: node scripts/complete-lockfile.ts').toEqual([])
  })

  it('carries one exact Node.js 24 for each platform that it can', () => {
    const versions = ['linux-x64', 'linux-arm64', 'win-x64'].map(
      (platform) => lockfile.packages[`node_modules/node-${platform}`]?.version,
    )
    expect(new Set(versions).size).toBe(1)
    expect(versions[0]).toMatch(/^24\./)
  })
})
