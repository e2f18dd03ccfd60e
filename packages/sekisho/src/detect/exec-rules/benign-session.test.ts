import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { judgeExec } from './all.ts'

const Line = z.strictObject({
  path: z.string(),
  argv: z.array(z.string()),
  written: z.boolean(),
  isDeleted: z.boolean(),
  isInterpreter: z.boolean(),
  caller: z.strictObject({ path: z.string(), argv: z.array(z.string()) }),
})

/**
 * What the monitor saw of an ordinary day: `npm install`, `npm ci`, a test run and a build; git with
 * hooks, rebase, merge, stash, clone and gc; a Python environment and its tests; a C project that is
 * configured, made, linked, tested and installed; and the small tools in between.
 */
const execs = readFileSync(join(import.meta.dirname, 'testing/benign-session.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => Line.parse(JSON.parse(line)))
const findings = execs.flatMap(judgeExec)
const countOf = (severity: string): number =>
  findings.filter((finding) => finding.severity === severity).length

test('there is something to judge', () => {
  expect(execs.length).toBeGreaterThan(350)
  const programs = new Set(execs.map(({ path }) => path.slice(path.lastIndexOf('/') + 1)))
  for (const program of ['npm-cli.js', 'git', 'node', 'python3.11', 'cc1', 'make', 'dash']) {
    expect(programs).toContain(program)
  }
  expect(execs.filter(({ written }) => written).length).toBeGreaterThan(20)
})

test('an ordinary day raises no alarm at severity high, and few below', () => {
  expect(findings.filter(({ severity }) => severity === 'high')).toEqual([])
  const rules = new Set(findings.filter((f) => f.severity === 'medium').map(({ rule }) => rule))
  expect([...rules].toSorted()).toEqual(['exec.git-hook-written', 'exec.loader-by-hand-system'])
  expect(countOf('medium')).toBeLessThanOrEqual(5)
  expect(countOf('low') / execs.length).toBeLessThan(0.03)
  const share = (count: number): string => `${((count / execs.length) * 100).toFixed(1)} %`
  process.stdout.write(
    `exec rules on ${execs.length} benign execs: high ${countOf('high')}, ` +
      `medium ${countOf('medium')} (${share(countOf('medium'))}), low ${countOf('low')} (${share(countOf('low'))})\n`,
  )
})
