import { defineConfig } from 'vitest/config'

/** Real tools through a whole platform: a browser of 300 MB, so not part of the default suite. */
// oxlint-disable-next-line import/no-default-export -- vitest reads this file's default export
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['**/*.e2e.ts'],
    testTimeout: 120_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 25_000 } },
    fileParallelism: false,
  },
})
