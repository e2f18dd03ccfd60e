import { expect, test } from 'vitest'
import { tallyOf } from './tally.ts'

const file = (status: string, ...tests: string[]): unknown => ({
  status,
  assertionResults: tests.map((state) => ({ status: state })),
})
const vitest = (...testResults: unknown[]): string => JSON.stringify({ success: true, testResults })
const drill = (...attacks: unknown[]): string => JSON.stringify({ attacks, escaped: 0 })
const stopped = { id: 'a', blocked: true, recorded: true, canaryBytes: 0 }

test.for([
  {
    name: 'counts what passed, failed and was skipped',
    check: { report: 'vitest' },
    end: { ok: false, report: vitest(file('failed', 'passed', 'failed', 'skipped', 'todo')) },
    want: { passed: 1, failed: 1, skipped: 2 },
  },
  {
    name: 'counts a file that cannot be loaded as one failure',
    check: { report: 'vitest' },
    end: { ok: false, report: vitest(file('passed', 'passed'), file('failed')) },
    want: { passed: 1, failed: 1, skipped: 0 },
  },
  {
    name: 'counts an unhandled rejection, which only the exit code tells',
    check: { report: 'vitest' },
    end: { ok: false, report: vitest(file('passed', 'passed')) },
    want: { passed: 1, failed: 1, skipped: 0 },
  },
  {
    name: 'counts a run without a report as a failure, whatever its exit code',
    check: { report: 'vitest' },
    end: { ok: true, report: undefined },
    want: { passed: 0, failed: 1, skipped: 0 },
  },
  {
    name: 'counts a report cut off in the middle as a failure',
    check: { report: 'vitest' },
    end: { ok: true, report: '{"testResults":[' },
    want: { passed: 0, failed: 1, skipped: 0 },
  },
  {
    name: 'counts a fuzzed reader as passed only when nothing was found',
    check: { report: 'fuzz' },
    end: {
      ok: false,
      report: JSON.stringify({ fuzzed: [{ passed: true }, { passed: false }, { passed: true }] }),
    },
    want: { passed: 2, failed: 1, skipped: 0 },
  },
  {
    name: 'counts fuzzing that broke off as a failure',
    check: { report: 'fuzz' },
    end: { ok: false, report: '' },
    want: { passed: 0, failed: 1, skipped: 0 },
  },
  {
    name: 'counts an attack as passed only when stopped, recorded and silent',
    check: { report: 'drill' },
    end: {
      ok: false,
      report: drill(
        stopped,
        { ...stopped, blocked: false },
        { ...stopped, recorded: false },
        { ...stopped, canaryBytes: 1 },
      ),
    },
    want: { passed: 1, failed: 3, skipped: 0 },
  },
  {
    name: 'counts a failed check without tests once',
    check: {},
    end: { ok: false, report: undefined },
    want: { passed: 0, failed: 1, skipped: 0 },
  },
  {
    name: 'does not count a clean check without tests',
    check: {},
    end: { ok: true, report: undefined },
    want: { passed: 0, failed: 0, skipped: 0 },
  },
] as const)('$name', ({ check, end, want }) => {
  expect(tallyOf(check, end)).toEqual(want)
})
