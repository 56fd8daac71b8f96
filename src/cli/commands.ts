import type { Command } from 'commander'
import type { Cli } from './command.ts'

/** A command of the first level; `load` brings its code in, and nothing else does. */
type CommandEntry = Readonly<{
  name: string
  summary: string
  load: () => Promise<(program: Command, cli: Cli) => void>
}>

export const commands: readonly CommandEntry[] = [
  {
    name: 'serve',
    summary: 'Run the service.',
    load: async () => (await import('./serve/command.ts')).addServe,
  },
  {
    name: 'migrate',
    summary: 'Bring the database to the schema of this version.',
    load: async () => (await import('./service/migrate.ts')).addMigrate,
  },
  {
    name: 'org',
    summary: 'Make organisations (for the operator: works on the database).',
    load: async () => (await import('./org/org.ts')).addOrg,
  },
  {
    name: 'emulate',
    summary: 'Run a cloud’s KMS or a provider on this machine, to try Hasp out.',
    load: async () => (await import('./emulate/emulate.ts')).addEmulate,
  },
  {
    name: 'demo',
    summary: 'Watch the whole story on this machine, revocation included.',
    load: async () => (await import('./service/demo.ts')).addDemo,
  },
  {
    name: 'whoami',
    summary: 'Show whose token HASP_TOKEN is.',
    load: async () => (await import('./whoami.ts')).addWhoami,
  },
  {
    name: 'kek',
    summary: 'Key-encryption keys in your own KMS: the padlocks.',
    load: async () => (await import('./kek/kek.ts')).addKek,
  },
  {
    name: 'job',
    summary: 'Lifecycle jobs: rewraps, moves and re-encryptions.',
    load: async () => (await import('./job/job.ts')).addJob,
  },
  {
    name: 'drill',
    summary: 'Measure how soon taking a KEK away takes effect.',
    load: async () => (await import('./drill/drill.ts')).addDrill,
  },
  {
    name: 'target',
    summary: 'Provider credentials, sealed under a KEK.',
    load: async () => (await import('./target/target.ts')).addTarget,
  },
  {
    name: 'vkey',
    summary: 'Virtual keys: the tokens that agents use.',
    load: async () => (await import('./vkey/vkey.ts')).addVkey,
  },
  {
    name: 'token',
    summary: 'Admin tokens of your organisation.',
    load: async () => (await import('./token/token.ts')).addToken,
  },
  {
    name: 'receipts',
    summary: 'Proxied calls: what was lent to whom, and how each ended.',
    load: async () => (await import('./ledger/receipts.ts')).addReceipts,
  },
  {
    name: 'ledger',
    summary: 'Everything that happened in your organisation.',
    load: async () => (await import('./ledger/ledger.ts')).addLedger,
  },
]
