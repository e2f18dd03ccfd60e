import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { chmod, chown } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Instance, LAUNCHER, openInstance, run, start, startRun } from './instance.ts'

let instance: Instance
beforeAll(async () => {
  instance = await openInstance()
})
afterAll(async () => instance?.close())

/** A script of the user's own shell, with the launcher as `$SEKISHO`. */
function shell(script: string): ReturnType<typeof start> {
  return start(['bash', '-c', script], { env: { ...instance.env, SEKISHO: LAUNCHER } })
}

function descriptorOf(socket: Socket): number {
  socket.pause()
  const handle: unknown = Reflect.get(socket, '_handle')
  const fd: unknown =
    typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : null
  if (typeof fd !== 'number') throw new Error('a socket without a descriptor')
  return fd
}

describe('exit codes', () => {
  test.each([
    ['success', ['true'], 0],
    ['a code of its own', ['sh', '-c', 'exit 7'], 7],
    ['the highest code', ['sh', '-c', 'exit 255'], 255],
    ['a code that the wrapper uses too', ['sh', '-c', 'exit 125'], 125],
    ['death by SIGTERM', ['sh', '-c', 'kill -TERM $$'], 143],
    ['death by SIGKILL', ['sh', '-c', 'kill -KILL $$'], 137],
    ['death by SIGSEGV', ['sh', '-c', 'kill -SEGV $$'], 139],
    ['death by SIGABRT', ['sh', '-c', 'kill -ABRT $$'], 134],
  ])('%s comes back as it is', async (_, command, code) => {
    expect(await run(instance, command)).toEqual({ code, signal: null, stdout: '', stderr: '' })
  })

  test.each([
    {
      name: 'that does not exist is 127',
      command: 'no-such-command',
      code: 127,
      why: 'not found',
    },
    {
      name: 'that is no program is 126',
      command: '/etc/passwd',
      code: 126,
      why: 'cannot be executed',
    },
  ])('a command $name', async ({ command, code, why }) => {
    expect(await run(instance, [command])).toEqual({
      code,
      signal: null,
      stdout: '',
      stderr: `sekisho: ${command}: ${why}\n`,
    })
  })

  test('words after -- reach the command as they are', async () => {
    const words = ['', '--agent', 'two words', '$HOME', "it's", 'ü\n', '--']
    const { stdout } = await run(instance, ['printf', '[%s]', ...words])
    expect(stdout).toBe(words.map((word) => `[${word}]`).join(''))
  })
})

describe('pipes', () => {
  test('stdout and stderr come apart and whole', async () => {
    const script =
      'head -c 6000000 /dev/zero | tr "\\0" o; head -c 3000000 /dev/zero | tr "\\0" e >&2'
    const { code, stdout, stderr } = await run(instance, ['sh', '-c', script])
    expect({ code, out: stdout.length, err: stderr.length }).toEqual({
      code: 0,
      out: 6_000_000,
      err: 3_000_000,
    })
    expect([new Set(stdout), new Set(stderr)]).toEqual([new Set('o'), new Set('e')])
  })

  test('both at once, each in order', async () => {
    const script = 'i=0; while [ $i -lt 2000 ]; do echo $i; echo $i >&2; i=$((i+1)); done'
    const { stdout, stderr } = await run(instance, ['sh', '-c', script])
    const numbers = Array.from({ length: 2000 }, (_, i) => `${i}\n`).join('')
    expect({ stdout, stderr }).toEqual({ stdout: numbers, stderr: numbers })
  })

  test('stdin goes through whole, and its end is seen', async () => {
    const input = Buffer.alloc(5_000_000, 'a line of input\n')
    const { stdout } = await run(instance, ['sh', '-c', 'sha256sum; echo end'], { input })
    const digest = createHash('sha256').update(input).digest('hex')
    expect(stdout).toBe(`${digest}  -\nend\n`)
  })

  test('a command that reads nothing ends beside a stdin that stays open', async () => {
    const client = startRun(instance, ['echo', 'done'])
    expect(await client.ended).toEqual({ code: 0, signal: null, stdout: 'done\n', stderr: '' })
  })

  test('a conversation over stdin and stdout works line by line', async () => {
    const client = startRun(instance, ['sh', '-c', 'while read line; do echo "got $line"; done'])
    for (const word of ['one', 'two']) {
      client.process.stdin?.write(`${word}\n`)
      await client.says(`got ${word}\n`)
    }
    client.process.stdin?.end()
    expect(await client.ended).toMatchObject({ code: 0, stdout: 'got one\ngot two\n' })
  })

  test('stdin from /dev/null is at its end', async () => {
    const client = startRun(instance, ['sh', '-c', 'wc -c'], { stdio: ['ignore', 'pipe', 'pipe'] })
    expect(await client.ended).toMatchObject({ code: 0, stdout: '0\n' })
  })

  test('a reader that leaves early ends the writer, as in every pipeline', async () => {
    const { code, stdout } = await shell('"$SEKISHO" run -- yes | head -2; echo ${PIPESTATUS[0]}')
      .ended
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'y\ny\n141\n' })
  })

  test('sessions stand in a pipeline of their own', async () => {
    const script =
      '"$SEKISHO" run -- seq 100000 | "$SEKISHO" run -- grep -c 7 | "$SEKISHO" run -- cat'
    expect(await shell(script).ended).toMatchObject({ code: 0, stdout: '40951\n' })
  })

  test('a pipe that the caller shares is left blocking', async () => {
    // O_NONBLOCK belongs to the open file, so to everybody who shares it
    const flags = 'grep flags /proc/$me/fdinfo/1 >&2'
    const script = `me=$BASHPID; ${flags}; "$SEKISHO" run -- true; ${flags}`
    const { stderr } = await shell(`{ ${script}; } | cat`).ended
    const [before, after] = stderr.trim().split('\n')
    expect(after).toBe(before)
  })

  test('a socket that the caller shares stays open', async () => {
    // what Node's spawn and socket-activated servers give as standard streams
    const script = '"$SEKISHO" run -- echo inside; echo after; echo still >&2'
    const { stdout, stderr } = await shell(script).ended
    expect({ stdout, stderr }).toEqual({ stdout: 'inside\nafter\n', stderr: 'still\n' })
  })

  test('one socket as stdin and stdout, as a server has it, works both ways', async () => {
    const server = createServer({ pauseOnConnect: true }, (socket) => {
      const fd = descriptorOf(socket)
      const client = startRun(instance, ['sh', '-c', 'cat; echo bye'], { stdio: [fd, fd, 'pipe'] })
      void client.ended.then(() => socket.destroy())
    })
    server.listen(join(instance.directory, 'inetd.sock'))
    await once(server, 'listening')
    const caller = connect({ path: join(instance.directory, 'inetd.sock'), allowHalfOpen: true })
    caller.end('hello\n')
    const heard = Buffer.concat(await caller.toArray()).toString()
    server.close()
    expect(heard).toBe('hello\nbye\n')
  })

  test('/dev/stdin, /dev/stdout and /dev/stderr open inside', async () => {
    const script = 'cat /dev/stdin; echo out > /dev/stdout; echo err > /dev/stderr'
    const { code, stdout, stderr } = await run(instance, ['sh', '-c', script], { input: 'in\n' })
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'in\nout\n', stderr: 'err\n' })
  })
})

describe('files behind redirections', () => {
  const path = (name: string): string => join(instance.directory, name)

  test('a file is written from where the caller stands, and stays the caller’s', async () => {
    const out = path('out')
    writeFileSync(out, 'x'.repeat(20))
    await chmod(out, 0o600)
    await chown(out, 1234, 5678)
    const script = `{ echo first; "$SEKISHO" run -- sh -c 'echo second; echo third'; echo fourth; } 1<>${out}`
    expect(await shell(script).ended).toMatchObject({ code: 0 })
    expect(readFileSync(out, 'utf8')).toBe(
      'first\nsecond\nthird\nfourth\n'.slice(0, 26).padEnd(20, 'x'),
    )
    const { uid, gid, mode } = statSync(out)
    expect({ uid, gid, mode: mode & 0o7777 }).toEqual({ uid: 1234, gid: 5678, mode: 0o600 })
  })

  test('>> appends', async () => {
    const out = path('appended')
    writeFileSync(out, 'before\n')
    await shell(`"$SEKISHO" run -- echo one >> ${out}; "$SEKISHO" run -- echo two >> ${out}`).ended
    expect(readFileSync(out, 'utf8')).toBe('before\none\ntwo\n')
  })

  test('> and 2>&1 into one file keep everything', async () => {
    const out = path('both')
    await shell(`"$SEKISHO" run -- sh -c 'echo out; echo err >&2' > ${out} 2>&1`).ended
    expect(readFileSync(out, 'utf8').split('\n').toSorted()).toEqual(['', 'err', 'out'])
  })

  test('< feeds a file from the caller’s offset', async () => {
    const from = path('input')
    writeFileSync(from, 'skipped\n'.repeat(1) + 'y\n'.repeat(1_000_000))
    const { stdout } = await shell(`{ read -r line; "$SEKISHO" run -- wc -l; } < ${from}`).ended
    expect(stdout).toBe('1000000\n')
  })

  test('inside, the file is a pipe: it can be neither reopened nor cut', async () => {
    const out = path('guarded')
    writeFileSync(out, 'kept\n')
    const fd = openSync(out, 'a+')
    const script = 'stat -Lc %F /dev/stdout >&2; truncate -s 0 /dev/stdout; echo more'
    const client = startRun(instance, ['sh', '-c', script], { stdio: ['ignore', fd, 'pipe'] })
    const { stderr } = await client.ended
    closeSync(fd)
    expect(stderr).toMatch(/^fifo\n/)
    expect(readFileSync(out, 'utf8')).toBe('kept\nmore\n')
  })
})
