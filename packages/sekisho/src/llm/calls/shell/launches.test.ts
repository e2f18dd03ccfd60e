import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LAUNCH_ROWS } from './launchers/all.ts'
import type { LaunchRow, OptionRow } from './launchers/launch-row.ts'
import { readShellLine } from './read-line.ts'

type Words = readonly (string | null)[]

function commandsOf(line: string): Words[] {
  return readShellLine(line).calls.map(({ program, args }) => [program, ...args])
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
const firstOf = (list: string): string => (list.split(' ')[0] ?? '').replace('*', '')

/** Code that runs a line, in what an option or an operand holds. */
function holding({ holds }: LaunchRow, line: string): string {
  if (holds === 'awk') return quote(`BEGIN { system("${line}") }`)
  if (holds === 'sed') return quote(`1e ${line}`)
  if (holds === 'python') return quote(`import os; os.system("${line}")`)
  if (holds === 'sql') return quote(`\\! ${line}`)
  return quote(line)
}

/** All ways in which a row has a program run this line. */
function waysOf(row: LaunchRow, line: string): string[] {
  if ('options' in row) {
    return row.options.split(' ').flatMap((option) => optionWays(row, option, line))
  }
  const program = firstOf(row.programs)
  const isWords = row.holds === 'words' || row.holds === 'rest'
  if ('form' in row) {
    const at = row.example.lastIndexOf(' ') + 1
    const [front, head] = [row.example.slice(0, at), row.example.slice(at)]
    return [`${program} ${front}${isWords && head === '' ? line : quote(head + line)}`]
  }
  const before = 'w '.repeat(row.operands.before ?? 0)
  const value = isWords ? line : holding(row, line)
  return [`${program} ${row.example ?? ''} ${afterOf(row)} ${before} ${value}`]
}

const afterOf = (row: LaunchRow): string => firstOf(row.after ?? '').replaceAll('+', ' ')

function optionWays(row: OptionRow, option: string, line: string): string[] {
  const { holds } = row
  const value = holding(row, holds === 'escape' ? `!${line}` : line)
  const name = option.replace('|', '')
  const front = `${firstOf(row.programs)} ${afterOf(row)} ${name}`
  const apart = `${front} ${holds === 'words' ? line : value}`
  if (holds === 'words' || !/^-(?:\w|-.+)$/.test(name)) return [apart]
  return [apart, `${front}${name.startsWith('--') ? '=' : ''}${value}`]
}

/** Whether what is known of a line is at least as bad as what is known of a command. */
function inherits(line: string, command: Words): boolean {
  return commandsOf(line)
    .slice(1)
    .some(
      ([program, ...args]) =>
        program === null ||
        (program === command[0] &&
          (args.includes(null) || args.join(' ') === command.slice(1).join(' '))),
    )
}

const WORD = fc.constantFrom('prog', 'x1', 'Zed', 'q-r', 'a.b')

test('whatever way a program has of running a command, the command is read or nothing is known', () => {
  const commands = fc
    .tuple(WORD, fc.array(WORD, { maxLength: 3 }))
    .map(([first, rest]) => [first, ...rest])
  fc.assert(
    fc.property(fc.constantFrom(...LAUNCH_ROWS), commands, (row, command) => {
      for (const line of waysOf(row, command.join(' '))) {
        expect({ line, isThere: inherits(line, command) }).toEqual({ line, isThere: true })
      }
    }),
    { numRuns: 300 },
  )
})

test('each row says why it is there, and has a way of running something', () => {
  const row = (each: LaunchRow): unknown => [
    each.programs,
    each.why.length > 5,
    waysOf(each, 'x').length > 0,
  ]
  expect(LAUNCH_ROWS.map(row)).toEqual(LAUNCH_ROWS.map(({ programs }) => [programs, true, true]))
  for (const each of LAUNCH_ROWS) {
    for (const line of waysOf(each, 'prog x1')) {
      expect({ line, isThere: inherits(line, ['prog', 'x1']) }).toEqual({ line, isThere: true })
    }
  }
})

test.for<[line: string, inner: Words[]]>([
  ['git -c core.pager="rm -rf x" log', [['rm', '-rf', 'x']]],
  ["git -c alias.x='!rm y' x", [['rm', 'y']]],
  ['git config --global core.sshCommand "rm x"', [['rm', 'x']]],
  ["git clone 'ext::rm x' y", [['rm', 'x']]],
  ['git rebase -ix "rm x" main', [['rm', 'x']]],
  ['git bisect run rm x', [['rm', 'x']]],
  ['git submodule foreach --recursive "rm x"', [['rm', 'x']]],
  ['tar czf x.tgz --checkpoint=1 --checkpoint-action=exec="rm x" .', [['rm', 'x']]],
  ['tar -xf x --to-comm="rm x"', [['rm', 'x']]],
  ['rsync -avze "rm x" a b:', [['rm', 'x']]],
  ['ssh -oProxyCommand="rm x" h', [['rm', 'x']]],
  ['awk \'BEGIN { system("rm x") }\'', [['rm', 'x']]],
  [
    'awk \'{ "rm x" | getline y; print | "sort -u" }\' f',
    [
      ['rm', 'x'],
      ['sort', '-u'],
    ],
  ],
  ["sed -n '1e rm x' f", [['rm', 'x']]],
  ['watch -n 1 "rm x; ls"', [['rm', 'x'], ['ls']]],
  ['script -qc "rm x" /dev/null', [['rm', 'x']]],
  ['docker run --rm -it alpine rm x', [['rm', 'x']]],
  ['npx -y rm x', [['rm', 'x']]],
  ['npm exec -c "rm x"', [['rm', 'x']]],
  ['uv run rm x', [['rm', 'x']]],
  ['python3 -m pip install x', [['pip', 'install', 'x']]],
  ['make CC="rm x"', [['rm', 'x']]],
  ['fd -e py -x rm x', [['rm', 'x']]],
])('%s runs %j', ([line, inner]) => {
  expect(commandsOf(line)).toEqual(expect.arrayContaining(inner.map((each) => [...each])))
})

test.for([
  'python3 -c \'__import__("os").system("x")\'',
  'python3 -c "import json, pickle; pickle.loads(b\'\')"',
  'python3 -c "getattr(json, \'x\')"',
  'python3 -c "f\'{x}\'"',
  "python3 - <<'E'\nimport subprocess\nsubprocess.run(['x'])\nE\n",
  'cat x | python3',
  'node <<< "x"',
  'node -e "1"',
  'perl -pi -e "s/a/b/" x',
  "awk '{ system($1) }' x",
  "awk '{ print | $1 }' x",
  "awk '{ $1 | getline }' x",
  'awk \'{ system("rm " $1) }\' x',
  'awk -f x.awk',
  'awk \'@load "system"\'',
  'sed s/x/y/e f',
  'sed -f x f',
  'sed --expression=1e f',
  'vim -c "!x" -c q',
  'vim -es +"!x"',
  'gdb -batch -ex "shell x"',
  'psql -c "\\! x"',
  'psql -c "copy t to program \'x\'"',
  'sqlite3 x ".shell y"',
  'sqlite3 x <<< ".shell y"',
  'ed -s x <<< "!y"',
  'find . -fprintf x y',
  'git --exec-path=x status',
  'git -c core.hooksPath=x commit',
  'make --eval=x',
  'make -f x',
  'echo x | at now',
  'crontab x',
  'parallel < x',
  'parallel ::: x y',
  'tar cIf x y z',
])('%s runs nobody knows what', (line) => {
  expect(commandsOf(line).map(([program]) => program)).toContain(null)
})

test.for([
  'git -c user.name=x commit -m "a b" --author=x',
  'git push -u origin main',
  'git clean -xdf && git log --oneline -5 && git diff -O x',
  'git config user.email x',
  'git commit -m run -m shell',
  'git submodule update --init --recursive',
  'git clone --depth 1 https://a.example/x.git y',
  'tar xzf x.tgz -C y',
  'tar --checkpoint=1000 -cf x .',
  'tar cf x.tar src',
  'rsync -av --delete a/ b/',
  "awk -F: '{print $1}' x",
  "awk '/a|b/ && !/c[ab]d/ { s += $2 / 2 } END { print s }' x",
  'awk \'NR==1 || $3 ~ "x|y" { printf "%s|%s\\n", $1, $2 }\' x',
  "sed -n '1,20p' x",
  "sed -i 's/foo/bar/g; s|a/b|c|' x",
  "sed -i.bak -e '/^#/d' -e '$!N' x",
  "sed -E 's/([a-z]+) [^/]*/\\1/I; 5q; /x/,/y/{s/a/b/2gp;d}' x",
  "sed '/x/a\\\nmore text' y",
  "sed 's/x/e/' y | sed y/abc/xyz/",
  'curl -s x | python3 -c "import json,sys; print(json.load(sys.stdin)[\'a\'])"',
  'python3 -c \'import os; print(os.path.join("a", "b"))\'',
  "python3 - <<'E'\nfrom collections import Counter\nfor line in open('x'):\n    print(line.strip().split(','))\nE\n",
  'python3 x.py --flag',
  'node x.js -e && python3 -u x.py -m y -c z && ruby -w x.rb -e',
  'npx jest -c jest.config.js',
  'npm test && npm run build -- --watch && npm install git',
  'yarn add -D x',
  'make -j4 test V=1',
  'cmake -S . -B build && cmake --build build',
  'psql -c "select count(*) from t"',
  'sqlite3 x "select 1"',
  'docker ps -a && docker build -t x . && docker compose up -d',
  'kubectl get pods -n x',
  'find . -name x -print',
  'sort -k 2 -n x && split -l 10 x',
  'zip -r x.zip y && unzip -o x.zip',
  'wget -q -e robots=off https://a.example/x',
  'gcc -O2 -Wall -o x x.c -lm',
  'go test ./... && cargo build --release',
  'pip install -r x.txt && pytest -q -k x',
  'ssh -p 22 -i k host',
  'less -N x && man ls',
  'systemctl status x',
  'crontab -l',
])('%s is known to run nothing else', (line) => {
  expect(commandsOf(line).map(([program]) => program)).not.toContain(null)
})

test('bytes of any kind are code, or what nobody knows', () => {
  const code = fc
    .array(fc.constantFrom(...Array.from('absye{}[]()/|";\\\n!@$1,#.=gw '), 'system', 'getline'), {
      maxLength: 40,
    })
    .map((letters) => letters.join(''))
  fc.assert(
    fc.property(fc.constantFrom('awk', 'sed', 'python3 -c', 'psql -c'), code, (program, text) => {
      try {
        readShellLine(`${program} ${quote(text)}`)
      } catch (thrown) {
        expect(thrown).toMatchObject({ name: 'Unreadable' })
      }
    }),
    { numRuns: 2000 },
  )
})
