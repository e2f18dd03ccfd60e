import { defineConfig } from 'vitest/config'

/** `npm run test:agents` has a configuration of its own: packages/sekisho/test/agents. */
export default defineConfig({
  test: {
    include: ['packages/*/{src,test}/**/*.test.ts', 'bench/**/*.test.ts', 'scripts/**/*.test.ts'],
    // Processes, not threads: tests enter namespaces and change credentials.
    pool: 'forks',
    maxWorkers: 2,
    // What has to happen is waited for, however slow the machine is: these end what hangs.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 25_000 } },
    globalSetup: ['scripts/tests-need-root.ts'],
  },
})
