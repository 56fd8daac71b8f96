import { Option, type Command } from 'commander'
import { streamRules, unwrapModes } from '#keks/kek.ts'
import { parseCount, parseDurationMs } from '#cli/parse/options.ts'

export type RuleOptions = Readonly<{
  unwrapMode?: string
  cacheCeiling?: number
  cacheUsesMax?: number
  streamRule?: string
  probeInterval?: number
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
}

/** The same as the API names them; only those that were given. */
export function rulesOf(options: RuleOptions): Record<string, string | number> {
  const { unwrapMode, cacheCeiling, cacheUsesMax, streamRule, probeInterval } = options
  return {
    ...(unwrapMode === undefined ? {} : { unwrapMode }),
    ...(cacheCeiling === undefined ? {} : { cacheCeilingMs: cacheCeiling }),
    ...(cacheUsesMax === undefined ? {} : { cacheUsesMax }),
    ...(streamRule === undefined ? {} : { streamRule }),
    ...(probeInterval === undefined ? {} : { probeIntervalMs: probeInterval }),
  }
}
