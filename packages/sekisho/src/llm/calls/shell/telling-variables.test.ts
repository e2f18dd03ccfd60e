import { expect, test } from 'vitest'
import { readShellLine } from './read-line.ts'

const programs = (line: string): (string | null)[] =>
  readShellLine(line).calls.map(({ program }) => program)

test.for<[line: string, programs: (string | null)[]]>([
  // what the model wants run, under the name of what may be
  ['PAGER=x git log', ['x', 'git']],
  ['GIT_SSH_COMMAND="x -i k" git fetch', ['x', 'git']],
  ['env PAGER=x git log', ['env', 'x', 'git']],
  ['export EDITOR=x', ['export', 'x']],
  ['PROMPT_COMMAND=x', ['x']],
  ['LD_PRELOAD=./x.so ls', [null, 'ls']],
  ['PATH=/tmp:$PATH ls', [null, 'ls']],
  ['export "LD_PRELOAD=./x.so"; ls', ['export', null, 'ls']],
  ['BASH_ENV=x bash -c ls', [null, 'bash', 'ls']],
  ['NODE_OPTIONS="--require ./x.js" npm test', [null, 'npm']],
  // what says nothing of what runs
  ['PAGER= git log', ['git']],
  ['NODE_ENV=test npm test', ['npm']],
  ['NODE_OPTIONS=--max-old-space-size=4096 npm test', ['npm']],
  ['echo PAGER=x', ['echo']],
])('%s runs %j', ([line, want]) => {
  expect(programs(line)).toEqual(want)
})

test.for(['bash --rcfile y -ic x', 'bash --init-file y -c x', 'zsh --emulate sh -c x'])(
  'the line behind an option that nobody knows is seen, and not sure: %s',
  (line) => {
    const found = programs(line)
    expect(found).toContain('x')
    expect(found).toContain(null)
  },
)
