import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // Bounds, not expectations: a machine under load is slow, and that is no failure.
    testTimeout: 90_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    // Two cores: more workers only make real databases and sockets slower.
    maxWorkers: 2,
    pool: 'forks',
    passWithNoTests: false,
    allowOnly: false,
  },
})
