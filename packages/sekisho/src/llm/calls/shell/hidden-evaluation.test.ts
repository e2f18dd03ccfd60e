import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readShellLine } from './read-line.ts'

const programs = (line: string): (string | null)[] =>
  readShellLine(line).calls.map(({ program }) => program)

let place = ''
let canary = ''

/** Programs by the name of one that may be run, where variables can be made to lead. */
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'evaluation-'))
  canary = join(place, 'canary')
  for (const directory of ['.', 'x', '5']) {
    mkdirSync(join(place, directory), { recursive: true })
    const own = join(place, directory, 'git')
    writeFileSync(own, `#!/bin/sh\n: > ${canary}\n`)
    chmodSync(own, 0o755)
  }
})

afterAll(() => rmSync(place, { recursive: true, force: true }))

/** Whether a line runs what only its canary tells of. */
function doesRun(line: string): boolean {
  rmSync(canary, { force: true })
  spawnSync('/bin/bash', ['-c', line.replaceAll('CANARY', canary)], { cwd: place, env: {} })
  return existsSync(canary)
}

const INSIDE = "'a[$(: > CANARY)]'"

test.for([
  'for PATH in ./x; do git; done',
  'select PATH in ./x; do git; break; done <<< 1',
  '((PATH=5)); git',
  'echo $((PATH=5)); git',
  'git "$[PATH=5]"',
  'for ((PATH=5;;)); do git; break; done',
  'BASH_CMDS[git]=./x/git; git',
  'BASH_CMDS=([git]=./x/git); git',
  ': ${BASH_CMDS[git]:=./x/git}; git',
  'read PATH <<< ./x; git',
  'printf -v PATH ./x; git',
  'unset PATH; git',
  'declare -n p=PATH; p=./x; git',
  `x=${INSIDE}; ((x))`,
  `for i in 1 2; do ((x)); x=${INSIDE}; done`,
  `x=${INSIDE}; [[ x -eq 1 ]]`,
  `[[ ${INSIDE} -eq 1 ]]`,
  `[[ -v ${INSIDE} ]]`,
  `test -v ${INSIDE}`,
  `printf -v ${INSIDE} y`,
  `let ${INSIDE}`,
  `declare -i x=${INSIDE}`,
  `read x <<< ${INSIDE}; echo $((x))`,
  `echo $(( $(echo ${INSIDE}) ))`,
  `f() { echo $(( $1 )); }; f ${INSIDE}`,
  `x=${INSIDE}; y[x]=1`,
  `x=${INSIDE}; z=abc; echo \${z:x}`,
  `x=${INSIDE}; echo \${!x}`,
  "x='$(: > CANARY)'; echo ${x@P}",
])('what runs without a command for it is a command of which nothing is known: %s', (line) => {
  expect(doesRun(line)).toBe(true)
  expect(programs(line)).toContain(null)
})

test.for([
  'i=0; while ((i<5)); do echo $i; ((i++)); done',
  'for i in 1 2 3; do echo $((i*2)); done',
  'for ((i=0;i<5;i++)); do echo $i; done',
  'a=(x y); echo ${a[0]} ${a[@]} ${#a[@]}; echo $(( ${#a[@]} - 1 ))',
  '[[ -v HOME && $# -eq 0 ]] && echo',
  'while read -r line; do echo "${line:0:7}"; done',
  'echo ${!a[@]} ${!p*} ${x^^} ${x@Q} ${x:=c}; sleep $((RANDOM % 3))',
  'printf "%s" "$x"; test -f x && [ "$a" = "[b]" ]; declare -a b=(1 2); unset FOO; exec 3>&1',
])('what only counts runs nothing: %s', (line) => {
  expect(programs(line)).not.toContain(null)
})
