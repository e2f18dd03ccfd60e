import { expect, test } from 'vitest'
import { failuresOf } from './failures.ts'

const failed = (fullName: string): unknown => ({
  status: 'failed',
  fullName,
  failureMessages: ['AssertionError: expected 1\nat file.ts'],
})
const report = (...testResults: unknown[]): string => JSON.stringify({ testResults })

test('names each failed test with the first line of its message', () => {
  const file = { name: 'a.test.ts', status: 'failed', assertionResults: [failed('x y')] }
  expect(failuresOf(report(file))).toEqual(['a.test.ts > x y: AssertionError: expected 1'])
})

test('names a file that cannot be loaded', () => {
  const file = { name: 'a.test.ts', status: 'failed', message: 'no module\n', assertionResults: [] }
  expect(failuresOf(report(file))).toEqual(['a.test.ts: no module'])
})

test('says nothing of what passed, and nothing of a report that was cut off', () => {
  const file = { name: 'a.test.ts', status: 'passed', assertionResults: [{ status: 'passed' }] }
  expect(failuresOf(report(file))).toEqual([])
  expect(failuresOf('{"testRes')).toEqual([])
  expect(failuresOf(undefined)).toEqual([])
})

test('says how many more there are', () => {
  const tests = Array.from({ length: 50 }, (_, index) => failed(`t${index}`))
  const lines = failuresOf(report({ name: 'a', status: 'failed', assertionResults: tests }))
  expect(lines).toHaveLength(41)
  expect(lines.at(-1)).toBe('and 10 more')
})
