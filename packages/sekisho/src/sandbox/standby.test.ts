import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import * as z from 'zod'
import { parseReport, standbyCommand, startText, TRIED } from './standby.ts'

const directory = mkdtempSync(join(tmpdir(), 'sekisho-standby-'))
afterAll(() => rmSync(directory, { recursive: true }))

const SHELLS = ['/bin/sh', '/bin/bash'] as const

/** Runs a start file as the waiting shell does, and tells what the command was given. */
function begin(shell: string, start: Parameters<typeof startText>[0]): z.infer<typeof Told> {
  const path = join(directory, 'start')
  writeFileSync(path, startText(start))
  const done = spawnSync(shell, ['-c', `. ${path}`], {
    argv0: 'sh',
    env: {},
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  expect({ code: done.status, said: done.stderr.toString() }).toEqual({ code: 0, said: '' })
  return Told.parse(JSON.parse(done.stdout.toString()))
}

const TELL = [process.execPath, '-e']
const SCRIPT = 'console.log(JSON.stringify({ argv: process.argv.slice(1), env: process.env }))'
const Told = z.object({ argv: z.array(z.string()), env: z.record(z.string(), z.string()) })

// shells differ in what they read: quotes, newlines, `$`, backslashes, leading hyphens
const word = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((text) => !text.includes('\0'))

test.for(SHELLS)('%s gives a command its words and variables as they are', (shell) => {
  fc.assert(
    fc.property(fc.array(word, { maxLength: 5 }), word, (words, value) => {
      const argv = [...TELL, SCRIPT, '--', ...words]
      const seen = begin(shell, { argv, env: { NAME: value }, cwd: '/', openFiles: 256 })
      expect(seen.argv).toEqual(words)
      expect(seen.env['NAME']).toBe(value)
    }),
    { numRuns: 25 },
  )
})

test.for(SHELLS)('%s hands on no variable that was not named', (shell) => {
  const seen = begin(shell, { argv: [...TELL, SCRIPT], env: { A: '1' }, cwd: '/', openFiles: 256 })
  const { _: _last, SHLVL: _level, ...env } = seen.env // of the shell that is bash
  expect(env).toEqual({ A: '1' })
})

const NOT_FOUND = 'not found'
const NO_PROGRAM = 'cannot be executed'

test.for(
  SHELLS.flatMap((shell) =>
    [
      { name: 'that is not there', file: '/nonexistent', code: 127, why: NOT_FOUND },
      { name: 'of no name', file: '', code: 127, why: NOT_FOUND },
      { name: 'in no directory of PATH', file: 'no\nsuch', code: 127, why: NOT_FOUND },
      { name: 'that looks like an option', file: '-x', code: 127, why: NOT_FOUND },
      { name: 'that looks like an assignment', file: 'A=1', code: 127, why: NOT_FOUND },
      { name: 'that the shell has built in', file: 'export', code: 127, why: NOT_FOUND },
      { name: 'that is no program', file: '/etc/passwd', code: 126, why: NO_PROGRAM },
      { name: 'in PATH that is no program', file: 'shells', code: 126, why: NO_PROGRAM },
      { name: 'that is a directory', file: '/etc', code: 126, why: NO_PROGRAM },
    ].map((row) => ({ ...row, shell })),
  ),
)('a command $name ends with $code, in $shell', ({ shell, file, code, why }) => {
  const path = join(directory, 'start')
  const env = { PATH: '/bin:/etc' }
  writeFileSync(path, startText({ argv: [file, 'x'], env, cwd: '/', openFiles: 256 }))
  const done = spawnSync(shell, ['-c', `. ${path}`], {
    env: {},
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'], // with a socket there, bash would read its rc files
  })
  expect({ code: done.status, said: done.stderr }).toEqual({
    code,
    said: `sekisho: ${file}: ${why}\n`,
  })
})

test('a directory that is not there ends it before the command', () => {
  const path = join(directory, 'start')
  writeFileSync(path, startText({ argv: ['true'], env: {}, cwd: '/nonexistent', openFiles: 256 }))
  expect(spawnSync('/bin/sh', ['-c', `. ${path}`], { env: {} }).status).toBe(125)
})

test('a report is whole only with its last line', () => {
  expect(parseReport('read-shadow refused\nwrite-root open\n')).toBe(undefined)
  expect(parseReport('read-shadow refused\nx missing\nnonsense\nend\nlate open\n')).toEqual([
    { control: 'read-shadow', result: 'refused' },
    { control: 'x', result: 'missing' },
  ])
})

test('outside every sandbox the script finds its walls open, and says so of each', () => {
  const [shell = '', option = '', script = ''] = standbyCommand('fifo')
  // only the part that tries and reports, its report on standard output
  const trying = script
    .split('\n')
    .slice(0, 4)
    .join('\n')
    .replace(/>\S+\/ready$/, '')
  expect(trying).not.toContain('/ready')
  const harmless = spawnSync(
    'unshare',
    ['--mount', '--uts', '--user', '--map-root-user', shell, option, trying],
    {
      encoding: 'utf8',
    },
  )
  const tried = parseReport(harmless.stdout)
  expect(tried?.map(({ control }) => control)).toEqual(TRIED)
  const open = tried?.filter(({ result }) => result === 'open').map(({ control }) => control)
  expect(open).toEqual(
    expect.arrayContaining(['syscall-unshare', 'syscall-chroot', 'syscall-sethostname']),
  )
})
