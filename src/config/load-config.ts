import { settings, type SettingName, type SettingValue } from './settings.ts'

/** What the operator decided, checked and frozen. */
export type Config = Readonly<{ [Name in SettingName]: SettingValue<Name> }>

/** Lists every fault of the environment at once, each with what the variable expects; never a secret's value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(
      `The configuration has ${faults.length} fault${faults.length === 1 ? '' : 's'}:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
    )
    this.faults = faults
  }
}

/**
 * Reads the settings out of an environment.
 * @throws {ConfigError} naming every variable that does not fit, and every HASP_ variable that does not exist.
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const faults = unknownVariables(env)
  const values: Record<string, unknown> = {}
  for (const [name, setting] of Object.entries(settings)) {
    const given = env[setting.variable]
    if (given === undefined || given === '') {
      values[name] = setting.fallback
      continue
    }
    const value = setting.parse(given)
    if (value === undefined) faults.push(faultOf(setting, given))
    values[name] = value
  }
  if (env['HASP_ROOT_SECRET_PREVIOUS'] && !env['HASP_ROOT_SECRET']) {
    faults.push('HASP_ROOT_SECRET_PREVIOUS is set without HASP_ROOT_SECRET: set the new root secret too.')
  }
  if (faults.length > 0) throw new ConfigError(faults)
  // Each value came from its own setting's parse or fallback, under that setting's name.
  return Object.freeze(values) as Config
}

/** Variables of Hasp's that belong to the command line and its launcher, not to the service. */
const elsewhere = new Set(['HASP_URL', 'HASP_TOKEN', 'HASP_TYPED_AS'])

function unknownVariables(env: Readonly<Record<string, string | undefined>>): string[] {
  const known = new Set<string>(Object.values(settings).map((setting) => setting.variable))
  return Object.keys(env)
    .filter((variable) => variable.startsWith('HASP_') && !known.has(variable) && !elsewhere.has(variable))
    .map(
      (variable) =>
        `${variable} is not a setting of Hasp: check its spelling (docs/configuration.md lists them all).`,
    )
}

function faultOf(setting: { variable: string; expects: string; isSecret?: boolean }, given: string): string {
  const shown = setting.isSecret === true ? 'its value (not shown)' : JSON.stringify(given.slice(0, 100))
  return `${setting.variable}: ${shown} does not fit; it takes ${setting.expects}.`
}
