import { execFile } from 'node:child_process'
import { readFile, readdir } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import config from '../../oxlint.config.ts'

const here = import.meta.dirname
const repository = path.join(here, '..', '..')

type Diagnostic = Readonly<{ filename: string; message: string; help?: string }>

/** Every complaint about the files of must-fail/src, by the file's path there. */
async function lint(): Promise<Map<string, string[]>> {
  const mustFail = path.join(here, 'must-fail')
  const oxlint = path.join(repository, 'node_modules', 'oxlint', 'bin', 'oxlint')
  const args = [
    oxlint,
    '-c',
    path.join(mustFail, 'rules.config.ts'),
    '--format=json',
    path.join(mustFail, 'src'),
  ]
  const output = await new Promise<string>((resolve) => {
    // It exits with 1 because it finds something.
    execFile(process.execPath, args, { cwd: repository }, (_, stdout) => resolve(stdout))
  })
  const report: { diagnostics: Diagnostic[] } = JSON.parse(output)
  const complaints = new Map<string, string[]>()
  for (const { filename, message, help } of report.diagnostics) {
    const file = filename.slice(filename.indexOf('must-fail/src/') + 'must-fail/src/'.length)
    complaints.set(file, [...(complaints.get(file) ?? []), `${message} ${help ?? ''}`])
  }
  return complaints
}

const files = (await readdir(path.join(here, 'must-fail', 'src'), { recursive: true })).filter((file) =>
  file.endsWith('.ts'),
)
const complaints = await lint()

describe('the import rules', () => {
  it.each(files)('judge %s as its first line says', async (file) => {
    const source = await readFile(path.join(here, 'must-fail', 'src', file), 'utf8')
    const refusal = /^\/\/ refused: (.+)$/m.exec(source)?.[1]
    const found = complaints.get(file) ?? []
    const asPromised = found.map((complaint) =>
      complaint.includes(refusal ?? complaint) ? refusal : complaint,
    )
    // A file without a refusal is there to show that what is allowed passes.
    expect(asPromised).toEqual(refusal === undefined ? [] : [refusal])
  })

  it('refuse something in most folders, and let something pass', () => {
    expect(complaints.size).toBe(files.length - 1)
    expect(new Set(files.map((file) => path.dirname(file))).size).toBeGreaterThan(8)
  })

  it('have a row for every folder of src, so that none is free by oversight', async () => {
    const entries = await readdir(path.join(repository, 'src'), { withFileTypes: true })
    const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
    const ruled = new Set(config.overrides.flatMap((override) => override.files))
    // The composition root may import everything.
    expect(folders.filter((folder) => folder !== 'context' && !ruled.has(`src/${folder}/**/*.ts`))).toEqual(
      [],
    )
  })
})
