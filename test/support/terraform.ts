import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
export const terraformRoot = fileURLToPath(new URL('../../terraform/', import.meta.url))

/**
 * Runs `terraform`. Nothing passes without it: where it is not installed these tests fail and say so.
 * @throws {Error} with what Terraform said
 */
export async function terraform(argv: readonly string[], cwd: string): Promise<string> {
  const { PATH = '' } = process.env
  const env = { PATH, HOME: tmpdir(), CHECKPOINT_DISABLE: '1', TF_IN_AUTOMATION: '1' }
  try {
    const { stdout } = await run('terraform', argv, { cwd, env })
    return stdout
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new Error('These tests need terraform (1.5 or later) on PATH: install it.', { cause: error })
    }
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)
    throw new Error(said.replaceAll(/\s+/g, ' '), { cause: error })
  }
}

/** As Terraform writes it: text, lists and maps of text; nothing for null. */
// oxlint-disable-next-line typescript/no-explicit-any
type RenderedOutput = any

/** Applies a module that has no provider, such as `aws-kek/policies`, and answers its outputs. */
export async function renderModule(
  module: string,
  variables: Readonly<Record<string, unknown>>,
): Promise<Record<string, RenderedOutput>> {
  const directory = await mkdtemp(join(tmpdir(), 'hasp-terraform-'))
  try {
    await cp(join(terraformRoot, module), directory, { recursive: true })
    await writeFile(join(directory, 'terraform.tfvars.json'), JSON.stringify(variables))
    await terraform(['init', '-input=false', '-no-color'], directory)
    await terraform(['apply', '-auto-approve', '-input=false', '-no-color'], directory)
    const outputs: Record<string, { value: RenderedOutput }> = JSON.parse(
      await terraform(['output', '-json', '-no-color'], directory),
    )
    return Object.fromEntries(Object.entries(outputs).map(([name, { value }]) => [name, value]))
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
