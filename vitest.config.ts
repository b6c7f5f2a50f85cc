/** Tells vitest where the tests are, and makes a test without an assertion fail. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/built.ts'],
    setupFiles: ['test/setup.ts'],
    // A test that compares nothing is green for no reason.
    expect: { requireAssertions: true },
    // Oracles compile C programs and run them under other tools: slow machines must not decide a test.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
    coverage: { provider: 'v8', include: ['src/**/*.ts'] },
  },
})
