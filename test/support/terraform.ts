import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'vitest'

const run = promisify(execFile)
export const terraformRoot = fileURLToPath(new URL('../../terraform/', import.meta.url))

/** Whether Terraform is installed. Where it is not, the tests say so once and go by what was rendered with it. */
export const hasTerraform = await run('terraform', ['version']).then(
  () => true,
  () => {
    console.warn(
      'terraform (1.5 or later) is not on PATH: the modules are taken as they were last rendered (test/terraform/rendered), and neither run nor formatted.',
    )
    return false
  },
)

/** @throws {Error} with what Terraform said */
export async function terraform(argv: readonly string[], cwd: string): Promise<string> {
  const { PATH = '' } = process.env
  const env = { PATH, HOME: tmpdir(), CHECKPOINT_DISABLE: '1', TF_IN_AUTOMATION: '1' }
  try {
    const { stdout } = await run('terraform', argv, { cwd, env })
    return stdout
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)
    throw new Error(said.replaceAll(/\s+/g, ' '), { cause: error })
  }
}

/** As Terraform writes it: text, lists and maps of text; nothing for null. */
// oxlint-disable-next-line typescript/no-explicit-any
type RenderedOutput = any
type Variables = Readonly<Record<string, string>>
type Outputs = Record<string, RenderedOutput>

/**
 * The outputs of a module that has no provider, such as `aws-kek/policies`. Terraform renders them, and they must be
 * what is recorded (UPDATE_TERRAFORM=1 records anew); without Terraform they are the recorded ones, with this call's
 * variables in the place of the recorded.
 */
export async function renderModule(module: string, variables: Variables): Promise<Outputs> {
  if (!hasTerraform) return recordedOutputs(module, variables)
  const outputs = await applyModule(module, variables)
  if (process.env['UPDATE_TERRAFORM'] === '1') await record(module, variables, outputs)
  expect(await recordedOutputs(module, variables), 'UPDATE_TERRAFORM=1 records it anew').toEqual(outputs)
  return outputs
}

/** What Terraform says of variables that `module` refuses; without Terraform, everything that the module may say. */
export async function refusalOf(module: string, variables: Variables): Promise<string> {
  if (!hasTerraform) return await readFile(join(terraformRoot, module, 'variables.tf'), 'utf8')
  return await applyModule(module, variables).then(
    () => 'It was not refused.',
    (error: unknown) => String(error),
  )
}

async function applyModule(module: string, variables: Variables): Promise<Outputs> {
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

type Recording = { variables: Variables; outputs: Outputs }

/** The recording that was made with the same variables set, its values replaced by these. */
async function recordedOutputs(module: string, variables: Variables): Promise<Outputs> {
  const recording = (await recordings(module)).find((one) => shapeOf(one.variables) === shapeOf(variables))
  if (recording === undefined) throw new Error(`${module} was never rendered with these variables.`)
  let text = JSON.stringify(recording.outputs)
  const longestFirst = Object.entries(recording.variables).toSorted(([, a], [, b]) => b.length - a.length)
  for (const [name, recorded] of longestFirst) text = text.replaceAll(recorded, variables[name] ?? '')
  return JSON.parse(text)
}

async function record(module: string, variables: Variables, outputs: Outputs): Promise<void> {
  const others = (await recordings(module)).filter((one) => shapeOf(one.variables) !== shapeOf(variables))
  const all = [...others, { variables, outputs }].toSorted((a, b) =>
    shapeOf(a.variables) < shapeOf(b.variables) ? -1 : 1,
  )
  await writeFile(fileOf(module), `${JSON.stringify(all, null, 2)}\n`)
}

async function recordings(module: string): Promise<Recording[]> {
  return JSON.parse(await readFile(fileOf(module), 'utf8').catch(() => '[]'))
}

function fileOf(module: string): string {
  return fileURLToPath(new URL(`../terraform/rendered/${module.replace('/', '-')}.json`, import.meta.url))
}

/** Which variables are set; `store` chooses among outputs, the others only stand in them. */
function shapeOf(variables: Variables): string {
  return [...Object.keys(variables).toSorted(), variables['store']].join()
}
