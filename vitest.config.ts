import { configDefaults, defineConfig } from 'vitest/config'

const ALL = ['packages/*/{src,test}/**/*.test.ts', 'bench/**/*.test.ts', 'scripts/**/*.test.ts']

/** They hold no state of their process's: the files that a worker runs share what they import. */
const PURE = [
  'packages/sekisho/src/{budget,core,detect,flow,lifecycle,llm,policy,policy-text,search,wire}/**/*.test.ts',
  'packages/verify/src/**/*.test.ts',
]
/** They enter namespaces, change credentials or count descriptors: each file has a process of its own. */
const APART = ['packages/sekisho/src/{kernel,root,sandbox}/**/*.test.ts']

/** `npm run test:agents` has a configuration of its own: packages/sekisho/test/agents. */
export default defineConfig({
  test: {
    // Processes, not threads: tests enter namespaces and change credentials.
    pool: 'forks',
    // Of two processors, which wait for much of what the integration tests do.
    maxWorkers: 3,
    // What has to happen is waited for, however slow the machine is: these end what hangs.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 60_000 } },
    restoreMocks: true, // what one test spies on is nobody else's
    globalSetup: ['scripts/tests-need-root.ts'],
    projects: [
      { extends: true, test: { name: 'pure', include: PURE, isolate: false } },
      { extends: true, test: { name: 'apart', include: APART } },
      {
        // what a file imports it would have to load anew: a third of the processor's time
        extends: true,
        test: {
          name: 'edges',
          include: ALL,
          exclude: [...configDefaults.exclude, ...PURE, ...APART],
          isolate: false,
        },
      },
    ],
  },
})
