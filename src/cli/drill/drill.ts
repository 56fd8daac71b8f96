import { Option, type Command } from 'commander'
import { addCommand, withSession, withYes, type Cli } from '#cli/command.ts'
import { parseDurationMs, parseMoment } from '#cli/parse/options.ts'
import { runDrill } from './run-drill.ts'

/** `hasp drill` */
export function addDrill(program: Command, cli: Cli): void {
  const command = addCommand(program, 'drill <kek>', {
    summary: 'Measure how soon taking a KEK away takes effect.',
    details:
      'Hasp asks for unwraps of a canary at a steady rate, the way of proxied calls, while you withdraw the KEK in your cloud and give it back: Hasp is not allowed to. The result is held against the published bound and written into the ledger (kek.drilled). Exit code 1 when the bound was exceeded, or nothing could be measured. Everything sealed under the KEK is refused meanwhile: drill a separate KEK of the same set-up. The commands are run by your shell; they find HASP_DRILL_KEK_REF (the key, as your cloud names it) and HASP_DRILL_KEK_NAME in their environment, and none of Hasp’s secrets.',
    examples: [
      'hasp drill canary-prod',
      'hasp drill canary-prod --yes --withdraw-command \'aws kms disable-key --region eu-central-1 --key-id "$HASP_DRILL_KEK_REF"\' --restore-command \'aws kms enable-key --region eu-central-1 --key-id "$HASP_DRILL_KEK_REF"\'',
      'hasp drill canary-prod --yes --withdrawn-at 2027-01-31T18:00:00Z --restored-at 2027-01-31T18:10:00Z --json',
    ],
  })
    .option('--withdraw-command <command>', 'what withdraws the KEK; done when your cloud has answered')
    .option('--restore-command <command>', 'what gives it back')
    .option('--withdrawn-at <time>', 'when somebody else withdraws it (2027-01-31T18:00:00Z)', parseMoment)
    .option('--restored-at <time>', 'when somebody else gives it back', parseMoment)
    .option('--bound <time>', 'hold the result against this in place of the published bound', parseDurationMs)
    .option('--interval <time>', 'how often a canary asks (250ms)', parseDurationMs)
    .option('--duration <time>', 'when to give up (30m), at most 60m', parseDurationMs)
    .addOption(
      new Option('--settle <time>', 'how long it must stay refused before it is given back')
        .argParser(parseDurationMs)
        .default(15_000, '15s'),
    )
  withYes(command).action(withSession(cli, (session, kek, options) => runDrill(cli, session, kek, options)))
}
