import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import type { MockProvider, MockProviderOptions } from '#emulators/llm/mock-provider.ts'
import type { OutputOptions } from '#cli/api/session.ts'
import { addCommand, type Cli } from '#cli/command.ts'
import type { CliIo } from '#cli/io.ts'
import { asTyped } from '#cli/output/as-typed.ts'
import { Output } from '#cli/output/output.ts'
import { parseDurationMs, parsePort } from '#cli/parse/options.ts'
import { readCredential } from '#cli/terminal/read-credential.ts'
import { emulatorHost, runUntilSignal } from './run-until-signal.ts'

type Name = 'openai' | 'anthropic'
type Options = OutputOptions & Readonly<{ port: number; credentialFile?: string; chunkDelay: number }>

const labels = {
  openai: { label: 'OpenAI', port: 4702, prefix: 'sk-mock-' },
  anthropic: { label: 'Anthropic', port: 4703, prefix: 'sk-ant-mock-' },
} as const

/** `hasp emulate openai`, `hasp emulate anthropic` */
export function addEmulateProvider(group: Command, cli: Cli, name: Name): void {
  const { label, port } = labels[name]
  addCommand(group, name, {
    summary: `Emulate the API of ${label}; it demands the one credential that it prints.`,
    details:
      'For trying Hasp out without a real account. Answers are made up; streams, errors and headers are like the real ones.',
    examples: [`hasp emulate ${name}`, `hasp emulate ${name} --port 0 --chunk-delay 200ms --json`],
  })
    .option('--port <port>', 'where to listen; 0 takes a free port', parsePort, port)
    .option(
      '--credential-file <path>',
      'demand the credential in this file instead of a new one, and do not print it',
    )
    .option('--chunk-delay <time>', 'wait before each piece of a stream', parseDurationMs, 0)
    .action((options: Options) => emulateProvider(cli.io, name, options))
}

async function emulateProvider(io: CliIo, name: Name, options: Options): Promise<void> {
  const out = new Output(io, options.json === true)
  const { label, prefix } = labels[name]
  const { port, chunkDelay: chunkDelayMs, credentialFile } = options
  const given = credentialFile === undefined ? null : await readMockCredential(io, credentialFile, label)
  const accepted = given ?? prefix + randomBytes(18).toString('hex')
  const made = given === null ? accepted : null
  await runUntilSignal(
    io,
    () => start(name, { host: emulatorHost, port, chunkDelayMs, acceptedCredentials: [accepted] }),
    ({ origin }) =>
      out.answer({ url: origin, environment: { HASP_ALLOWED_UPSTREAMS: origin }, credential: made }, () =>
        asTyped(
          `${label} is emulated at ${origin}. Ctrl-C ends it.

For the terminal of 'hasp serve' (a list: separate several by commas):

  export HASP_ALLOWED_UPSTREAMS=${origin}

For the terminal of its customer (HASP_URL and HASP_TOKEN set):

  hasp target add --provider ${name} --name ${name} --kek NAME --base-url ${origin}

${made === null ? `It demands the credential in ${credentialFile}.` : `It demands this credential, which is good nowhere else:\n\n  ${made}`}`,
          out.hasp,
        ),
      ),
  )
}

/** The mock keeps digests only, and made them of a string: it is no place for a real credential. */
async function readMockCredential(io: CliIo, credentialFile: string, label: string): Promise<string> {
  const credential = await readCredential(io, { credentialFile }, label)
  return credential.toString('latin1')
}

async function start(name: Name, options: MockProviderOptions): Promise<MockProvider> {
  return name === 'openai'
    ? (await import('#emulators/llm/openai.ts')).startMockOpenai(options)
    : (await import('#emulators/llm/anthropic.ts')).startMockAnthropic(options)
}
