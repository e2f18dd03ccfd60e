import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readShellLine } from './read-line.ts'

type Words = (string | null)[]

function commandsOf(line: string): Words[] {
  return readShellLine(line).calls.map(({ program, args }) => [program, ...args])
}

/** A line and the commands in it, in the order in which they are read. */
type Known = { line: string; commands: Words[] }

const quoted = (word: string): fc.Arbitrary<string> =>
  fc.constantFrom(
    word,
    `'${word}'`,
    `"${word}"`,
    `\\${word}`,
    `${word.slice(0, 1)}''${word.slice(1)}`,
    `$'\\x${word.charCodeAt(0).toString(16)}'${word.slice(1)}`,
    `${word.slice(0, 1)}\\\n${word.slice(1)}`,
  )
const simple: fc.Arbitrary<Known> = fc
  .array(fc.constantFrom('prog', 'x1', 'tool', 'Zed', 'q-r', 'a.b'), { minLength: 1, maxLength: 4 })
  .chain((words) =>
    fc.tuple(...words.map(quoted)).map((parts) => ({ line: parts.join(' '), commands: [words] })),
  )

const { any } = fc.letrec<{ any: Known }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', maxDepth: 4 },
    simple,
    joined(tie('any')),
    inside(tie('any')),
  ),
}))

function joined(part: fc.Arbitrary<Known>): fc.Arbitrary<Known> {
  const forms: ((a: string, b: string) => string)[] = [
    (a, b) => `${a}; ${b}`,
    (a, b) => `${a}\n${b}`,
    (a, b) => `${a} && ${b}`,
    (a, b) => `{ ${a}; } || ( ${b})`,
    (a, b) => `${a} | ${b}`,
    (a, b) => `if ${a}; then ${b}; fi`,
    (a, b) => `while ${a}; do ${b}; break; done`,
    (a, b) => `f() { ${a}\n}; f2() ( ${b}\n)`,
    (a, b) => `case x in y) ${a} ;; *) ${b} ;; esac`,
  ]
  return fc.tuple(part, part, fc.constantFrom(...forms)).map(([a, b, form]) => {
    const breaks: Words[] = form('', '').includes('break') ? [['break']] : []
    return { line: form(a.line, b.line), commands: [...a.commands, ...b.commands, ...breaks] }
  })
}

function inside(part: fc.Arbitrary<Known>): fc.Arbitrary<Known> {
  const quote = (line: string): string => `'${line.replaceAll("'", `'\\''`)}'`
  const forms: ((inner: Known) => Known)[] = [
    ({ line, commands }) => ({ line: `( ${line}\n)`, commands }),
    ({ line, commands }) => ({
      line: `echo $( ${line}\n)`,
      commands: [...commands, ['echo', null]],
    }),
    ({ line, commands }) => ({ line: `cat <( ${line}\n)`, commands: [...commands, ['cat', null]] }),
    ({ line, commands }) => ({
      line: `echo "a$( ${line}\n)b"`,
      commands: [...commands, ['echo', null]],
    }),
    ({ line, commands }) => ({
      line: `bash -c ${quote(line)}`,
      commands: [['bash', '-c', line], ...commands],
    }),
    ({ line, commands }) => ({
      line: `eval ${quote(line)}`,
      commands: [['eval', line], ...commands],
    }),
    ({ line, commands }) => ({
      line: `env A=1 bash -c ${quote(line)}`,
      commands: [['env', 'A=1', 'bash', '-c', line], ['bash', '-c', line], ...commands],
    }),
  ]
  return fc.tuple(part, fc.constantFrom(...forms)).map(([inner, form]) => form(inner))
}

test('a line put together from known commands is exactly those', () => {
  fc.assert(
    fc.property(any, ({ line, commands }) => {
      fc.pre(commands.length <= 64)
      expect(commandsOf(line)).toEqual(commands)
    }),
    { numRuns: 1000 },
  )
})

/** What bash itself would start, told by bash; nothing that it names exists. */
const ASK_BASH =
  'exec 9>&1 >/dev/null 2>&1 </dev/null; PATH=/nonexistent; ' +
  // in one write without line breaks, so that what runs beside it does not get in between
  'command_not_found_handle() { printf -v said "%s\\1" "$@"; printf "%s\\2" "${said//$\'\\n\'/$\'\\3\'}" >&9; return 1; }; ' +
  'set -f; builtin eval "$1"; builtin exit 0'

function bashRuns(line: string): string[][] {
  // what has no end is as good as what has ended
  const told = execFileSync('/bin/bash', ['--norc', '-c', ASK_BASH, 'bash', line], {
    timeout: 120_000,
  })
  return told
    .toString()
    .replaceAll('\u0003', '\n')
    .split('\u0002')
    .slice(0, -1)
    .map((words) => words.split('\u0001').slice(0, -1))
}

test('bash starts nothing that has not been read', () => {
  const pieces = fc.constantFrom(
    'prog',
    ' ',
    ' ',
    ' ',
    ';',
    '\n',
    '&&',
    '||',
    '|',
    '(',
    ')',
    '{ ',
    '; }',
    "'",
    '"',
    '\\',
    '$(',
    '`',
    "$'\\x70'",
    '{a,b}',
    'x',
    '#',
    '!',
    'if ',
    '; then ',
    '; fi',
    'eval ',
    'A=1 ',
    '<<E\n',
    'E\n',
    '<<<',
    'f() ',
    '[[ x ]]',
    '$V',
    '\\\n',
  )
  const lines = fc
    .array(pieces, { minLength: 1, maxLength: 9 })
    .map((parts) => `prog ${parts.join('')}`)
  fc.assert(
    fc.property(
      fc.oneof(
        lines,
        any.map(({ line }) => line.replace(/\b(?:env|bash|sh|cat)\b/g, 'prog')),
      ),
      (line) => {
        let read: Words[]
        try {
          read = commandsOf(line)
        } catch {
          return // refused: it will not run
        }
        for (const ran of bashRuns(line)) {
          const isRead = read.some(
            ([program, ...args]) =>
              program === null || (program === ran[0] && isDeepLike(args, ran.slice(1))),
          )
          expect({ line, ran, isRead }).toEqual({ line, ran, isRead: true })
        }
      },
    ),
    { numRuns: 100 },
  )
})

/** An argument that is not known may be any number of words. */
function isDeepLike(args: Words, ran: readonly string[]): boolean {
  return args.includes(null) || JSON.stringify(args) === JSON.stringify(ran)
}

test('bash does tell what it runs', () => {
  expect(bashRuns("prog a | r''m 'b c'; $(other)")).toEqual(
    expect.arrayContaining([['prog', 'a'], ['rm', 'b c'], ['other']]),
  )
})
