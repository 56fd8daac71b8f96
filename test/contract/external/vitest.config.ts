import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** `npm run test:contract:external`: the contract of `KekProvider` on a KMS that is not ours. Never part of `npm test`. */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('.', import.meta.url)),
    include: ['*.external.ts'],
    // A real KMS takes seconds, sometimes minutes, until a change of key state holds.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    fileParallelism: false,
    passWithNoTests: false,
  },
})
