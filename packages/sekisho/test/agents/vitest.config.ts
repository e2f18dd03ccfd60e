import { defineConfig } from 'vitest/config'

/** Real clients from the npm registry: hundreds of megabytes, so not part of the default suite. */
// oxlint-disable-next-line import/no-default-export -- vitest reads this file's default export
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['**/*.e2e.ts'],
    testTimeout: 400_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 25_000 } },
    fileParallelism: false,
  },
})
