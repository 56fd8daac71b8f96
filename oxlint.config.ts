import { defineConfig, type OxlintOverride } from 'oxlint'

/**
 * The architecture as lint: which folder of src/ may import which. Whatever is not listed is refused;
 * test/architecture holds files that break each rule and the test that proves they are caught.
 */
const mayImport: Record<string, { ours: string[]; typesOf?: string[]; packages?: string[] }> = {
  envelope: { ours: [] },
  integrity: { ours: [] },
  config: { ours: [] },
  telemetry: { ours: [] },
  providers: { ours: [] },
  kms: {
    ours: ['envelope'],
    packages: ['@aws-sdk/*', '@google-cloud/*', 'google-auth-library', '@grpc/*', '@azure/*', 'undici'],
  },
  db: { ours: [], packages: ['pg', 'kysely'] },
  ledger: { ours: ['db', 'integrity'], packages: ['kysely'] },
  idempotency: { ours: ['db', 'integrity'] },
  keks: { ours: ['envelope', 'integrity', 'ledger', 'db', 'kms/kek-*'] },
  targets: { ours: ['envelope', 'integrity', 'ledger', 'db', 'providers', 'kms/kek-*'], typesOf: ['keks'] },
  access: { ours: ['integrity', 'ledger', 'db'], typesOf: ['keks', 'targets'] },
  proxy: {
    ours: ['envelope', 'ledger', 'providers', 'kms/kek-*'],
    typesOf: ['access', 'keks', 'targets', 'telemetry'],
    packages: ['undici', 'fastify'],
  },
  // Of Google's client, the definitions of its messages and nothing that calls anybody.
  emulators: { ours: [], packages: ['@grpc/*', '@google-cloud/*'] },
  jobs: {
    ours: ['keks', 'targets', 'envelope', 'integrity', 'ledger', 'db', 'kms/kek-*'],
    packages: ['pg-boss', 'kysely'],
  },
  http: {
    ours: [
      'access',
      'keks',
      'targets',
      'jobs',
      'proxy',
      'ledger',
      'providers',
      'kms/kek-*',
      'db/ids.ts',
      'db/keyset.ts',
      'envelope',
      'idempotency',
      'integrity',
      'telemetry',
    ],
    typesOf: ['config', 'db'],
    packages: ['fastify', '@fastify/*'],
  },
  cli: {
    ours: [
      'emulators',
      'config',
      'context.ts',
      'context/operator.ts',
      'db',
      'telemetry',
      'providers',
      // What a command line may say: the words, not the work.
      'keks/kek.ts',
      'ledger/entry.ts',
      'integrity/token.ts',
    ],
    typesOf: ['http'],
  },
}

const folders = Object.keys(mayImport)
/** The composition root, beside context.ts: it may import everything, and nobody imports it. */
const root = 'context'
const guarded = [
  '@aws-sdk/*',
  '@smithy/*',
  '@google-cloud/*',
  'google-auth-library',
  '@azure/*',
  '@grpc/*',
  'undici',
  'pg',
  'pg-boss',
  'kysely',
  'fastify',
  '@fastify/*',
]

/**
 * What `folder` may not import. One pattern for each other folder, and none with exceptions that fit what another
 * pattern refuses: oxlint lets an import pass as soon as the exception (`!…`) of any pattern fits it.
 */
function patternsFor(folder: string, morePackages: string[] = []) {
  const { ours, typesOf = [], packages = [] } = mayImport[folder] ?? { ours: [] }
  const refused = [...folders, root, '*.ts'].filter((other) => other !== folder && !ours.includes(other))
  const exceptionsIn = (other: string) =>
    ours.filter((entry) => (other === '*.ts' ? !entry.includes('/') : entry.startsWith(`${other}/`)))
  return [
    ...refused.map((other) => ({
      group: [
        other === '*.ts' ? '#*.ts' : `#${other}/**`,
        ...exceptionsIn(other).map((entry) => `!#${entry}`),
      ],
      allowTypeImports: typesOf.includes(other),
      message: typesOf.includes(other)
        ? `src/${folder} may import only types of src/${other}: its work arrives through Deps.`
        : `src/${folder} may not import this: see mayImport in oxlint.config.ts.`,
    })),
    {
      group: guarded.filter((name) => ![...packages, ...morePackages].includes(name)),
      message: `src/${folder} may not use this package: see mayImport in oxlint.config.ts.`,
    },
    { group: ['../**'], message: 'Across folders write #folder/file.ts.' },
  ]
}

function importRule(folder: string, patterns = patternsFor(folder)): OxlintOverride {
  return {
    files: [`src/${folder}/**/*.ts`],
    rules: { 'no-restricted-imports': ['error', { patterns }] },
  }
}

export default defineConfig({
  plugins: ['typescript', 'unicorn', 'import', 'oxc', 'vitest', 'promise', 'node'],
  categories: { correctness: 'error', suspicious: 'error', perf: 'error' },
  ignorePatterns: ['node_modules', 'test/architecture/must-fail/**'],
  rules: {
    'typescript/no-explicit-any': 'error',
    'typescript/no-non-null-assertion': 'error',
    'typescript/consistent-type-imports': 'error',
    'typescript/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    'import/no-cycle': 'error',
    'node/no-process-env': 'error',
    'no-console': 'error',
    'no-await-in-loop': 'off',
    'no-underscore-dangle': 'off',
    'no-shadow': 'off',
    'import/no-unassigned-import': 'off',
    'import/no-named-as-default-member': 'off',
    'oxc/no-async-endpoint-handlers': 'off',
    'oxc/no-map-spread': 'off',
    // tsc's noImplicitReturns says the same, and knows exhaustive switches.
    'typescript/consistent-return': 'off',
    'typescript/no-unsafe-type-assertion': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'unicorn/no-array-sort': 'off',
    'unicorn/no-array-reverse': 'off',
    'vitest/require-mock-type-parameters': 'off',
    'vitest/no-conditional-expect': 'off',
    'vitest/no-standalone-expect': 'off',
    'vitest/valid-describe-callback': 'off',
    'vitest/valid-expect': ['error', { maxArgs: 2 }],
  },
  overrides: [
    ...folders.map((folder) => importRule(folder)),
    // The demo plays the customer too, who calls AWS with AWS's own SDK.
    importRule('cli/demo', patternsFor('cli', ['@aws-sdk/*'])),
    { files: ['src/main.ts', 'test/**', 'bench/**', '*.config.ts'], rules: { 'node/no-process-env': 'off' } },
    { files: ['src/cli/**', 'bench/**', 'test/**'], rules: { 'no-console': 'off' } },
  ],
})
