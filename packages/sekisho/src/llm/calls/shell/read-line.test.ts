import fc from 'fast-check'
import { expect, test } from 'vitest'
import { startThreadClock } from '../../../core/testing/thread-clock.ts'
import { readArgv, readShellLine } from './read-line.ts'

type Words = (string | null)[]

function commandsOf(line: string): Words[] {
  return readShellLine(line).calls.map(({ program, args }) => [program, ...args])
}

test.for<[what: string, line: string, commands: Words[]]>([
  ['a command', 'git status -s', [['git', 'status', '-s']]],
  [
    'a list',
    'a 1; b 2 && c 3 || d 4 &',
    [
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
      ['d', '4'],
    ],
  ],
  ['a pipeline', 'a | b |& c', [['a'], ['b'], ['c']]],
  ['a subshell and a group', '(a; b) && { c; }', [['a'], ['b'], ['c']]],
  ['a substitution', 'a "$(b 1)" `c`', [['b', '1'], ['c'], ['a', null, null]]],
  ['a process substitution', 'a <(b) >(c)', [['b'], ['c'], ['a', null, null]]],
  // what is computed is taken for a formula again, in which other commands may stand
  ['arithmetic', 'a $((1 + $(b)))', [['b'], ['a', null], [null]]],
  ['a default', 'a ${X:-$(b)}', [['b'], ['a', null]]],
  ['an index', 'a ${X[$(b)]}', [['b'], ['a', null], [null]]],
  ['a pattern', 'a ${X//y/$(b)}', [['b'], ['a', null]]],
  ['an assignment', 'X=$(a) b', [['a'], ['b']]],
  ['an array', 'X=($(a) $(b))', [['a'], ['b']]],
  [
    'if, elif and else',
    'if a; then b; elif c; then d; else e; fi',
    [['a'], ['b'], ['c'], ['d'], ['e']],
  ],
  [
    'loops',
    'for i in 1 $(a); do b; done; while c; do d; done; until e; do f; done',
    [['a'], ['b'], ['c'], ['d'], ['e'], ['f']],
  ],
  ['a loop of arithmetic', 'for ((i=$(a);i<2;i++)); do b; done', [['a'], ['b'], [null]]],
  ['a case', 'case $(a) in x) b ;& y) c ;; esac', [['a'], ['b'], ['c']]],
  ['a function, called or not', 'f() { a; }; function g { b; }; f', [['a'], ['b'], ['f']]],
  ['a condition', '[[ -n $(a) && x = y ]] && [ -f z ]', [['a'], ['[', '-f', 'z', ']']]],
  ['a here-document', 'cat <<E\n$(a)\nE\n', [['a'], ['cat']]],
  ['a quoted here-document', "cat <<'E'\n$(a)\nE\n", [['cat']]],
  ['a here-string', 'cat <<< "$(a)"', [['a'], ['cat']]],
  ['a redirection', 'a > "$(b)" 2>&1', [['b'], ['a']]],
  ['what is joined to a group', '{ a; } < <(b)', [['b'], ['a']]],
  ['a background process', 'coproc a; b & c', [['a'], ['b'], ['c']]],
  ['a condition turned round and timed', '! time -p a', [['a']]],
])('%s', ([, line, commands]) => {
  expect(commandsOf(line)).toEqual(commands)
})

test.for<[what: string, line: string, inner: Words[]]>([
  ['a shell', "bash -c 'a 1; b'", [['a', '1'], ['b']]],
  ['a login shell', 'sh -lc "a"', [['a']]],
  ['a shell with options', "bash --noprofile -o pipefail -euxc 'a'", [['a']]],
  ['a shell in a shell', `sh -c "bash -c 'a'"`, [['bash', '-c', 'a'], ['a']]],
  ['a shell that is given its line', 'sh <<E\na\nE\n', [['a']]],
  ['a shell that is given a text', 'bash -s <<< "a 1"', [['a', '1']]],
  ['a shell by its path', "/usr/bin/env -i X=1 /bin/sh -c 'a'", [['/bin/sh', '-c', 'a'], ['a']]],
  ['eval', `eval 'a' "b; c"`, [['a', 'b'], ['c']]],
  ['exec', 'exec -a x a 1', [['a', '1']]],
  ['a builtin called by name', 'builtin eval a', [['eval', 'a'], ['a']]],
  ['command', 'command -p a', [['a']]],
  ['sudo', 'sudo -n -u root X=1 a -u b', [['a', '-u', 'b']]],
  ['env with a line', "env -S 'a b'", [['a', 'b']]],
  [
    'nohup, nice, setsid',
    'nohup nice -n 5 setsid -f a',
    [['nice', '-n', '5', 'setsid', '-f', 'a'], ['setsid', '-f', 'a'], ['a']],
  ],
  ['timeout', 'timeout -k 5 --preserve-status 10s a', [['a']]],
  ['xargs', 'xargs -0 -n 1 a -f', [['a', '-f', null]]],
  ['xargs with a hole', 'xargs -I{} a {} b', [['a', null, 'b']]],
  ['xargs that is given the program', 'xargs -I% % b', [[null, 'b']]],
  [
    'xargs with a shell',
    "xargs -n1 sh -c 'a $0'",
    [
      ['sh', '-c', 'a $0', null],
      ['a', null],
    ],
  ],
  ['find', 'find . -type f -exec a {} + -execdir b \\;', [['a', null], ['b']]],
  ['ssh', 'ssh -p 22 me@host a "b; c"', [['a', 'b'], ['c']]],
  ['ssh with a program of its own', "ssh -o ProxyCommand='a b' host", [['a', 'b']]],
  ['a trap', "trap 'a; b' EXIT INT", [['a'], ['b']]],
  ['an alias', "alias ls='a -rf'", [['a', '-rf']]],
  ['another user', "su -c 'a' root", [['a']]],
  ['a lock', "flock /tmp/l -c 'a'", [['a']]],
  ['a multi-call binary', 'busybox rm x', [['rm', 'x']]],
])('%s runs what is inside it', ([, line, inner]) => {
  expect(commandsOf(line).slice(1)).toEqual(inner)
})

test.for<[what: string, line: string]>([
  ['quotes inside a word', "r''m x"],
  ['other quotes', 'r""m x'],
  ['all of it quoted', '"rm" x'],
  ['a backslash before it', '\\rm x'],
  ['a backslash inside it', 'r\\m x'],
  ['a line that goes on', 'r\\\nm x'],
  ['characters by their codes', "$'\\x72\\155' x"],
  ['a character of Unicode by its code', "$'\\u0072'm x"],
  ['braces', '{rm,x}'],
  ['a comment before it', '# nothing\nrm x # rf'],
  ['a comment that is none', 'rm x#y;rm x'],
  ['tabs and blanks', '\t rm \t x  '],
  ['no blank before a redirection', 'rm x>y'],
  ['a redirection before it', '>y rm x'],
  ['an assignment before it', 'A=1 B="2 3" rm x'],
])('%s hides no command', ([, line]) => {
  expect(commandsOf(line)).toContainEqual(['rm', 'x'])
})

test.for<[what: string, line: string]>([
  ['a variable', '$X y'],
  ['a part that is a variable', 'r${X}m y'],
  ['what a command prints', '$(echo rm) y'],
  ['what may be nothing', '$EMPTY rm y'],
  ['a file by a pattern', '/bin/r? y'],
  ['blanks from a variable', 'rm${IFS}y'],
  ['indirection', '${!X} y'],
  ['an array', '"${X[@]}" y'],
  ['positional parameters', '"$@"'],
  ['what zsh looks up', '=rm y'],
  ['a text in the language of the reader', '$"rm" y'],
])('%s as a program is nobody knows what', ([, line]) => {
  expect(readShellLine(line).calls.at(-1)?.program).toBe(null)
})

test.for<[what: string, line: string]>([
  ['a wrapper of a variable', 'sudo $X rm y'],
  ['an option that nobody knows', 'timeout --strange rm y'],
  ['an option that is a variable', 'env "$X" rm y'],
  ['a line from a variable', 'eval "$X"'],
  ['a line with a variable in it', 'sh -c "rm $X"'],
  ['a line that is piped', 'cat x | sh'],
  ['a line on standard input', 'bash -s -- x'],
  ['a line of a substitution', 'sh -c "$(cat x)"'],
])('%s runs nobody knows what', ([, line]) => {
  expect(
    commandsOf(line)
      .slice(1)
      .some(([program]) => program === null),
  ).toBe(true)
})

test.for<[what: string, line: string]>([
  ['a quote that is not closed', 'rm "x'],
  ['a substitution that is not closed', 'rm $(x'],
  ['a block that is not closed', 'if true; then rm x'],
  ['an operator without a command', 'rm x &&'],
  ['one word too many', 'rm x; }'],
  ['a long line', `echo ${'x'.repeat(70_000)}`],
  ['many commands', 'a;'.repeat(65)],
  ['many commands within commands', `${'sh -c '.repeat(1)}'${'a;'.repeat(65)}'`],
  ['deep substitutions', `${'$('.repeat(20)}a${')'.repeat(20)}`],
  ['deep wrappers', `${'sudo '.repeat(20)}a`],
])('%s is refused', ([, line]) => {
  expect(() => readShellLine(line)).toThrow(
    /^(?:no shell line|a shell line|more than 64 commands|(?:lines|commands) within)/,
  )
})

test.for([
  '$(',
  '"$(',
  '<(',
  '`',
  '"',
  "'",
  '(',
  '{ ',
  '${',
  '((',
  '$((',
  '<<a ',
  '<<a\n',
  '[',
  '{a,',
  'if ',
  'case a in ',
  '\\',
  '[[ ',
  'a|',
  'f() ',
  "$'",
  'a&&',
  'a=(',
  '{1..9}',
  'sh -c "',
  '!',
  'time ',
  '>',
])('64 KB of %j take no longer than they may', (unit) => {
  const line = unit.repeat(Math.floor(65_536 / unit.length))
  const tookMs = startThreadClock()
  try {
    readShellLine(line)
  } catch (thrown) {
    expect(thrown).toMatchObject({ name: 'Unreadable' })
  }
  // a second and a half was measured without the bounds, on two busy processors
  expect(tookMs()).toBeLessThan(3000)
})

test('bytes of any kind are read or refused', () => {
  const noise = fc.string({ unit: 'binary', maxLength: 200 })
  const shellish = fc
    .array(fc.constantFrom(...Array.from('abc$(){}[]<>|&;"\'`\\ \n\t*?~#!=-@+/,.:0é\0')), {
      maxLength: 60,
    })
    .map((letters) => letters.join(''))
  fc.assert(
    fc.property(fc.oneof(noise, shellish), (line) => {
      try {
        readShellLine(line)
      } catch (thrown) {
        expect(thrown).toMatchObject({ name: 'Unreadable' })
      }
    }),
    { numRuns: 3000 },
  )
})

test.for<[what: string, line: string]>([
  ['a condition that hides a command', '[[ a || rm ]]'],
  ['arithmetic that hides one', '((rm x))'],
  ['a quote that ends elsewhere', "echo $'it\\'s; rm x #'"],
  ['old arithmetic', 'echo $[1;rm x]'],
  ['a text that is handed over', 'cat <<< x'],
  ['an expansion of bash', 'echo ${x//a/b}'],
  ['a list', 'x=(a b)'],
])('%s is not known to run nothing else where `sh` may be another shell', ([, line]) => {
  const unknown = { program: null, args: [] }
  expect(readShellLine(line).calls).not.toContainEqual(unknown)
  expect(readShellLine(line, 'sh').calls).toContainEqual(unknown)
  const within = `sh -c '${line.replaceAll("'", "'\\''")}'`
  expect(readShellLine(within).calls).toContainEqual(unknown)
})

test('what POSIX has is the same to every shell', () => {
  const line = 'if [ -f x ]; then A=1 rm "$(ls ~/y)" $((1+2)) ${Z:-w} {a,b} > z 2>&1; fi'
  expect(readShellLine(line, 'sh').calls).toEqual(readShellLine(line).calls)
})

test('words that no shell reads are taken as they are', () => {
  expect(readArgv(['env', '$X', null, 'a;b']).calls).toEqual([
    { program: 'env', args: ['$X', null, 'a;b'] },
    { program: '$X', args: [null, 'a;b'] },
  ])
})
