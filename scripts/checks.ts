import type { ReportKind } from './tally.ts'

/** `npm run check`, `npm test`, `npm run test:…` for the next three; `fuzz` is .ci/run's */
export type Suite = 'check' | 'test' | 'agents' | 'tools' | 'attacks' | 'fuzz'

export type Check = {
  name: string
  suites: readonly Suite[]
  /** a program of node_modules/.bin, or a path that starts with `./`; run in the clone's top */
  argv: readonly [string, ...string[]]
  timeoutMs: number
  /** whose tests are counted, and from what; a check without it counts only when it fails */
  report?: ReportKind
}

const MINUTE_MS = 60_000
const LAYERS = 'packages/sekisho/test/layers.test.ts'

/** In this order, all of them whatever fails. A new check is a line here. */
export const CHECKS: readonly Check[] = [
  {
    name: 'format',
    suites: ['check', 'test'],
    argv: ['biome', 'format', '--max-diagnostics=20', '.'],
    timeoutMs: MINUTE_MS,
  },
  {
    name: 'lint',
    suites: ['check', 'test'],
    argv: ['oxlint', '--type-aware', '--max-warnings=0'],
    timeoutMs: 3 * MINUTE_MS,
  },
  {
    name: 'types',
    suites: ['check', 'test'],
    argv: ['tsc', '--noEmit', '-p', '.'],
    timeoutMs: 3 * MINUTE_MS,
  },
  { name: 'unused', suites: ['check', 'test'], argv: ['knip'], timeoutMs: 3 * MINUTE_MS },
  {
    name: 'layers',
    suites: ['check'],
    argv: ['vitest', 'run', LAYERS],
    timeoutMs: 3 * MINUTE_MS,
    report: 'vitest',
  },
  {
    name: 'tests',
    suites: ['test'],
    argv: ['vitest', 'run'],
    timeoutMs: 40 * MINUTE_MS,
    report: 'vitest',
  },
  {
    name: 'drill',
    suites: ['test'],
    argv: ['./packages/sekisho/bin/sekisho', 'drill', '--json'],
    timeoutMs: 10 * MINUTE_MS,
    report: 'drill',
  },
  {
    name: 'agents',
    suites: ['agents'],
    argv: ['vitest', 'run', '--config', 'packages/sekisho/test/agents/vitest.config.ts'],
    timeoutMs: 40 * MINUTE_MS,
    report: 'vitest',
  },
  {
    // what of it is told by tests is a line each; this is the table
    name: 'matrix',
    suites: ['agents'],
    argv: ['node', 'packages/sekisho/test/agents/matrix/print-main.ts'],
    timeoutMs: MINUTE_MS,
  },
  {
    name: 'tools',
    suites: ['tools'],
    argv: ['vitest', 'run', '--config', 'packages/sekisho/test/tools/vitest.config.ts'],
    timeoutMs: 15 * MINUTE_MS,
    report: 'vitest',
  },
  {
    // in `npm test` they are among the tests
    name: 'attacks',
    suites: ['attacks'],
    argv: ['vitest', 'run', 'packages/sekisho/test/attacks'],
    timeoutMs: 10 * MINUTE_MS,
    report: 'vitest',
  },
  {
    name: 'fuzz',
    suites: ['fuzz'],
    argv: ['node', 'scripts/fuzz.ts', '--readers', '--count', '1000000', '--json'],
    timeoutMs: 15 * MINUTE_MS,
    report: 'fuzz',
  },
  {
    name: 'crashes',
    suites: ['fuzz'],
    argv: ['node', 'scripts/crash-log.ts', '--lives', '500', '--json'],
    timeoutMs: 10 * MINUTE_MS,
    report: 'fuzz',
  },
  {
    name: 'witness',
    suites: ['fuzz'],
    argv: ['env', 'SEKISHO_WITNESS_KILLS=200', 'vitest', 'run', 'src/witness/server/kill.test.ts'],
    timeoutMs: 10 * MINUTE_MS,
    report: 'vitest',
  },
  {
    name: 'cedar',
    suites: ['fuzz'],
    argv: ['node', 'scripts/fuzz.ts', '--cedar', '--count', '100000', '--json'],
    timeoutMs: 10 * MINUTE_MS,
    report: 'fuzz',
  },
]
