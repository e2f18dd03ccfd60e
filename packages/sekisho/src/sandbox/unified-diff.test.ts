import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { unifiedDiff } from './unified-diff.ts'

test.for([
  ['nothing', 'a\n', 'a\n', ''],
  ['a line in an empty file', '', 'a\n', '@@ -0,0 +1 @@\n+a\n'],
  ['the last line away', 'a\n', '', '@@ -1 +0,0 @@\n-a\n'],
  ['a lost newline', 'a\n', 'a', '@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n'],
  [
    'two changes far apart',
    '1\n2\n3\n4\n5\n6\n7\n8\n9\n',
    'x\n2\n3\n4\n5\n6\n7\n8\ny\n',
    '@@ -1,4 +1,4 @@\n-1\n+x\n 2\n 3\n 4\n@@ -6,4 +6,4 @@\n 6\n 7\n 8\n-9\n+y\n',
  ],
] as const)('shows %s', ([, before, after, want]) => {
  expect(unifiedDiff(before, after)).toBe(want)
})

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'sekisho-diff-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

/** What a reader who trusts the hunks would rebuild. */
function apply(before: string, hunks: string): string {
  const old = linesOf(before)
  const result: string[] = []
  let taken = 0
  for (const line of linesOf(hunks)) {
    const mark = line.charAt(0)
    while (mark === '@' && taken < startOf(line)) result.push(old[taken++] ?? '')
    if (mark === '\\') result.push((result.pop() ?? '').slice(0, -1))
    if ('+ '.includes(mark)) result.push(line.slice(1))
    if ('- '.includes(mark)) taken++
  }
  return [...result, ...old.slice(taken)].join('')
}

function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? []
}

/** Lines of the old text before the hunk. */
function startOf(header: string): number {
  const [, start = '0', lines = '1'] = /^@@ -(\d+)(?:,(\d+))? /.exec(header) ?? []
  return Number(start) - (lines === '0' ? 0 : 1)
}

const text = fc
  .array(fc.constantFrom('a\n', 'b\n', 'c\n', '\n', ' \n'), { maxLength: 40 })
  .chain((lines) => fc.constantFrom('', 'end').map((end) => lines.join('') + end))

test('the hunks rebuild the new text from the old one', () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      const hunks = unifiedDiff(before, after)
      // a removed last line without newline is marked too, which the rebuilding must not take
      const plain = hunks.replace(/^-(.*)\n\\ No newline at end of file\n/gm, '-$1\n')
      expect(apply(before, plain)).toBe(after)
    }),
    { numRuns: 500 },
  )
})

test('patch(1) agrees', () => {
  const at = join(directory, 'file')
  fc.assert(
    fc.property(text, text, (before, after) => {
      fc.pre(before !== after)
      writeFileSync(at, before)
      const input = `--- a/file\n+++ b/file\n${unifiedDiff(before, after)}`
      const done = spawnSync('patch', ['-s', '-o', `${at}.new`, at], { input })
      expect(done.stderr.toString() + done.stdout.toString()).toBe('')
      expect(readFileSync(`${at}.new`, 'utf8')).toBe(after)
    }),
    { numRuns: 30 },
  )
})

test('the edit is as short as GNU diff’s', () => {
  const changed = (hunks: string): number => (hunks.match(/^[-+]/gm) ?? []).length
  fc.assert(
    fc.property(text, text, (before, after) => {
      writeFileSync(join(directory, 'a'), before)
      writeFileSync(join(directory, 'b'), after)
      const gnu = spawnSync('diff', ['-u', '-d', 'a', 'b'], { cwd: directory }).stdout.toString()
      expect(changed(unifiedDiff(before, after))).toBe(
        changed(gnu.replace(/^(---|\+\+\+) .*\n/gm, '')),
      )
    }),
    { numRuns: 30 },
  )
})

test('wholly different texts of 50,000 lines take no more than a moment', () => {
  const lines = (letter: string): string =>
    Array.from({ length: 50_000 }, (_, i) => `${letter}${i}\n`).join('')
  const hunks = unifiedDiff(lines('a'), lines('b'))
  expect(hunks.startsWith('@@ -1,50000 +1,50000 @@\n-a0\n')).toBe(true)
})
