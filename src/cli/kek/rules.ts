import { Option, type Command } from 'commander'
import { protectionRules, streamRules, unwrapModes } from '#keks/kek.ts'
import { parseCount, parseCountOrNone, parseDaysOrNone, parseDurationMs } from '#cli/parse/options.ts'

export type RuleOptions = Readonly<{
  unwrapMode?: string
  cacheCeiling?: number
  cacheUsesMax?: number
  streamRule?: string
  probeInterval?: number
  protectionRule?: string
  wrapAgeMax?: number | 'none'
  dekAgeMax?: number | 'none'
  credentialAgeMax?: number | 'none'
  wrapsMax?: number | 'none'
}>

/** Options for the rules of a KEK's use. */
export function withRules(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--unwrap-mode <mode>',
        'strict: your KMS is asked for each request; shared: concurrent requests share one call; cached: an answer serves for a while',
      ).choices(unwrapModes),
    )
    .option('--cache-ceiling <time>', 'cached: how long one unwrap serves, at most 300s', parseDurationMs)
    .option('--cache-uses-max <n>', 'cached: how many requests one unwrap serves', parseCount)
    .addOption(
      new Option('--stream-rule <rule>', 'what becomes of streams under way when the KEK is revoked').choices(
        streamRules,
      ),
    )
    .option('--probe-interval <time>', 'how often the KEK is proven to work; 0 turns it off', parseDurationMs)
    .addOption(
      new Option(
        '--protection-rule <rule>',
        'hsm: only a key that an HSM holds, by the word of its KMS; any: wherever it is kept',
      ).choices(protectionRules),
    )
    .option('--wrap-age-max <days>', 'cryptoperiod: how old a wrap may get (365d), or none', parseDaysOrNone)
    .option('--dek-age-max <days>', 'cryptoperiod: how old a DEK may get (365d), or none', parseDaysOrNone)
    .option(
      '--credential-age-max <days>',
      'how old the credential in use of a target may get (90d), or none',
      parseDaysOrNone,
    )
    .option('--wraps-max <n>', 'cryptoperiod: how many DEKs it may wrap, or none', parseCountOrNone)
}

/** The same as the API names them; only those that were given. */
export function rulesOf(options: RuleOptions): Record<string, string | number | null> {
  const { unwrapMode, cacheCeiling, cacheUsesMax, streamRule, probeInterval } = options
  const { protectionRule, wrapAgeMax, dekAgeMax, credentialAgeMax, wrapsMax } = options
  return {
    ...(unwrapMode === undefined ? {} : { unwrapMode }),
    ...(cacheCeiling === undefined ? {} : { cacheCeilingMs: cacheCeiling }),
    ...(cacheUsesMax === undefined ? {} : { cacheUsesMax }),
    ...(streamRule === undefined ? {} : { streamRule }),
    ...(probeInterval === undefined ? {} : { probeIntervalMs: probeInterval }),
    ...(protectionRule === undefined ? {} : { protectionRule }),
    ...(wrapAgeMax === undefined ? {} : { wrapAgeDaysMax: limitOf(wrapAgeMax) }),
    ...(dekAgeMax === undefined ? {} : { dekAgeDaysMax: limitOf(dekAgeMax) }),
    ...(credentialAgeMax === undefined ? {} : { credentialAgeDaysMax: limitOf(credentialAgeMax) }),
    ...(wrapsMax === undefined ? {} : { wrapsMax: limitOf(wrapsMax) }),
  }
}

function limitOf(given: number | 'none'): number | null {
  return given === 'none' ? null : given
}
