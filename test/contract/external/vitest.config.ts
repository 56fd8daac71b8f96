import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** The suites of the clouds that the environment names; without any, each says what it needs. */
const chosen = [
  ['TEST_AWS_KMS_ENDPOINT', 'aws-kek.external.ts'],
  ['TEST_GCP_KEY_NAME', 'gcp-kek.external.ts'],
  ['TEST_AZURE_VAULT_HOST', 'azure-kek.external.ts'],
].flatMap(([variable = '', suite = '']) => ((process.env[variable] ?? '') === '' ? [] : [suite]))

/** `npm run test:contract:external`: the contract of `KekProvider` on a KMS that is not ours. Never part of `npm test`. */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('.', import.meta.url)),
    include: chosen.length > 0 ? chosen : ['*.external.ts'],
    // A real KMS takes seconds, sometimes minutes, until a change of key state holds.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    fileParallelism: false,
    passWithNoTests: false,
  },
})
