import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sessionEnvironment } from './environment.ts'
import { furnishHome } from './session-home.ts'

const ROOT = 700_200
const AGENT = 701_200
let directory: string
let home: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'sekisho-home-'))
  execFileSync('chmod', ['755', directory])
  home = join(directory, 'home')
  mkdirSync(home)
  furnishHome(home, { rootId: ROOT, agentId: AGENT })
})
afterAll(() => rmSync(directory, { recursive: true }))

function asAgent(script: string): { failed: boolean; said: string } {
  const identity = [`--reuid=${AGENT}`, `--regid=${AGENT}`, '--clear-groups', '--no-new-privs']
  const { status, stdout } = spawnSync(
    'setpriv',
    [
      ...identity,
      '--bounding-set=-all',
      '--inh-caps=-all',
      'bash',
      '-c',
      `exec 2>&1; set -e; cd ~; ${script}`,
    ],
    { encoding: 'utf8', env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', HOME: home } },
  )
  return { failed: status !== 0, said: stdout }
}

const contents = (): string =>
  execFileSync(
    'sh',
    [
      '-c',
      'find . -user 700200 -printf "%p %m %s %l\\n" | sort; find . -user 700200 -type f | sort | xargs sha256sum',
    ],
    {
      cwd: home,
      encoding: 'utf8',
    },
  )

test.for([
  ['write', 'echo evil > .bashrc'],
  ['append', 'echo evil >> .profile'],
  ['chmod', 'chmod 777 .bashrc'],
  ['unlink', 'rm -f .bashrc'],
  ['rename away', 'mv .bashrc x'],
  ['rename over', 'echo evil > evil; mv -f evil .bash_profile'],
  ['a link in its place', 'ln -sfn /tmp .zshrc'],
  ['a git setting', 'git config --global core.hooksPath /tmp'],
  ['a git file beside it', 'echo evil > .config/git/hooks'],
  ['the directory of git', 'mv .config/git .config/was'],
  ['the directory above', 'mv .config was'],
  ['removal of all', 'rm -rf .config'],
  ['npm', 'echo "ignore-scripts=false" > .npmrc'],
])('the agent cannot change what it starts from: %s', ([, script]) => {
  const before = contents()
  expect(asAgent(script ?? '').failed).toBe(true)
  expect(contents()).toBe(before)
})

test('a client keeps its own things, and git commits', () => {
  const { failed, said } = asAgent(`mkdir .claude .config/tool .ssh; echo '{}' > .claude.json
    mv .claude.json .claude.json.was; rm .claude.json.was; rm -r .config/tool
    git init -q repo; cd repo; echo 1 > a; git add a; git commit -qm x; git log --format=%an
    bash -ic true </dev/null`)
  expect({ failed, said: said.split('\n')[0] }).toEqual({ failed: false, said: 'Sekisho agent' })
})

test('no directory of PATH can be written by the agent', () => {
  const { PATH = '', HOME } = sessionEnvironment({
    session: 's',
    terminal: null,
    agent: {},
    placeholders: {},
  })
  const outside = PATH.split(':').filter((path) => !/^\/(usr\/(local\/)?)?s?bin$/.test(path))
  expect({ outside, HOME }).toEqual({ outside: [], HOME: '/home/agent' })
})
