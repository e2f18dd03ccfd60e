import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type Client,
  type Instance,
  LAUNCHER,
  openInstance,
  runningSessions,
  start,
} from './instance.ts'

let instance: Instance
beforeAll(async () => {
  instance = await openInstance()
})
afterAll(async () => instance?.close())

const INTERRUPT = '\x03'
const END_OF_INPUT = '\x04'
const SUSPEND = '\x1a'

/** A shell script on a terminal of its own (script(1)), with the launcher as `$SEKISHO`. */
function onTerminal(script: string): Client {
  const env = { ...instance.env, SEKISHO: LAUNCHER, TERM: 'vt220', SHELL: '/bin/sh' }
  return start(['script', '--quiet', '--return', '--command', script, '/dev/null'], { env })
}

/** What stands on the terminal, with line ends as a program wrote them. */
const textOf = (stdout: string): string => stdout.replaceAll('\r\n', '\n')

test('inside, all three streams are a terminal of the session’s own', async () => {
  const look = 'for fd in 0 1 2; do test -t $fd && echo $fd; done; tty; echo $TERM'
  const { code, stdout } = await onTerminal(`tty; "$SEKISHO" run -- sh -c '${look}'`).ended
  const [outer, ...inner] = textOf(stdout).trim().split('\n')
  expect({ code, inner }).toEqual({ code: 0, inner: ['0', '1', '2', inner[3], 'vt220'] })
  expect(inner[3]).toMatch(/^\/dev\/(pts\/0|console)$/)
  expect(outer).toMatch(/^\/dev\/pts\/\d+$/)
})

test('without a terminal on stdin or stdout, inside there is none', async () => {
  const look = 'for fd in 0 1 2; do test -t $fd && echo $fd; done; echo none'
  const { stdout } = await onTerminal(`"$SEKISHO" run -- sh -c '${look}' < /dev/null`).ended
  expect(textOf(stdout)).toBe('none\n')
})

test('the exit code comes back through the terminal', async () => {
  expect(await onTerminal(`"$SEKISHO" run -- sh -c 'exit 7'`).ended).toMatchObject({ code: 7 })
})

test('the window has the user’s size', async () => {
  const { stdout } = await onTerminal('stty cols 111 rows 33; "$SEKISHO" run -- stty size').ended
  expect(textOf(stdout)).toBe('33 111\n')
})

test('a resize reaches the command', async () => {
  const inside = `trap "stty size" WINCH; echo ready; while :; do sleep 0.05; done`
  const client = onTerminal(`tty; exec "$SEKISHO" run -- sh -c '${inside}'`)
  await client.says('ready')
  const [terminal = ''] = textOf(client.said()).split('\n')
  spawnSync('stty', ['-F', terminal, 'cols', '132', 'rows', '43'])
  await client.says('43 132')
  client.process.stdin?.write(INTERRUPT)
  await client.ended
})

test('Ctrl-C interrupts the command, not the client', async () => {
  const client = onTerminal('"$SEKISHO" run -- sh -c "echo ready; exec sleep 60"; echo "code $?"')
  await client.says('ready')
  client.process.stdin?.write(INTERRUPT)
  await client.says('code 130')
  await client.ended
})

test('Ctrl-C goes to a handler of the command', async () => {
  const inside = `trap "echo caught; exit 9" INT; echo ready; while :; do sleep 0.05; done`
  const client = onTerminal(`"$SEKISHO" run -- sh -c '${inside}'`)
  await client.says('ready')
  client.process.stdin?.write(INTERRUPT)
  expect(await client.ended).toMatchObject({ code: 9, stdout: expect.stringContaining('caught') })
})

test('Ctrl-D ends the input', async () => {
  const client = onTerminal(`"$SEKISHO" run -- sh -c 'echo ready; cat; echo end'`)
  await client.says('ready')
  client.process.stdin?.write(`hello\r${END_OF_INPUT}`)
  expect(await client.ended).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/hello\r\nend\r\n$/),
  })
})

test('a shell inside has job control', async () => {
  const client = onTerminal(`"$SEKISHO" run -- bash --norc -i`)
  const type = async (keys: string, seen: string): Promise<void> => {
    client.process.stdin?.write(keys)
    await client.says(seen)
  }
  await client.says('$ ')
  await type('sleep 61 && echo never; echo run$((1))\r', 'echo never')
  // the terminal belongs to the job once its own name is the foreground group's
  await expect.poll(() => spawnSync('pgrep', ['-fx', 'sleep 61']).status).toBe(0)
  await type(SUSPEND, 'Stopped')
  await type('jobs | tr a-z A-Z\r', 'SLEEP 61')
  await type('kill %1; echo kil""led\r', 'killed')
  // twice: the first is refused while bash still takes the killed job for a stopped one
  client.process.stdin?.write('exit 3\rexit 3\r')
  expect(await client.ended).toMatchObject({ code: 3 })
})

test('what a full-screen program writes reaches the terminal byte for byte', async () => {
  // without the inner terminal's output processing, a line feed is a line feed and nothing more
  const { stdout } = await onTerminal(`"$SEKISHO" run -- sh -c 'stty -opost; printf "a\\nb\\tc"'`)
    .ended
  expect(stdout).toBe('a\nb\tc')
})

test('every byte of a long output arrives', async () => {
  const { stdout } = await onTerminal('"$SEKISHO" run -- seq 60000').ended
  const numbers = Array.from({ length: 60_000 }, (_, i) => `${i + 1}\n`).join('')
  expect(textOf(stdout) === numbers).toBe(true)
})

test('the user’s terminal is as before: after an end, a failure and a stop', async () => {
  const ends = [
    '"$SEKISHO" run -- true',
    '"$SEKISHO" run -- no-such-command',
    '"$SEKISHO" run --agent nobody -- true',
    '"$SEKISHO" run -- sh -c "kill -9 0"',
  ]
  const script = ends.map(
    (end) => `stty -g > before; ${end}; stty -g > after; cmp before after || exit 9`,
  )
  const client = onTerminal(
    `cd ${instance.directory}; ${script.join('; ')}; stty -g | cmp - before`,
  )
  expect(await client.ended).toMatchObject({ code: 0 })
})

test('a closed terminal window ends the session', async () => {
  const client = onTerminal(
    `exec "$SEKISHO" run -- sh -c 'echo "$SEKISHO_SESSION ready"; while :; do sleep 0.05; done'`,
  )
  await client.says(' ready')
  const [session = ''] = client.said().split(' ')
  expect(await runningSessions(instance)).toContain(session)
  client.process.kill('SIGKILL')
  await expect.poll(() => runningSessions(instance)).not.toContain(session)
  await client.ended
})
