import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { watchExecs } from '../kernel/fanotify-exec.ts'
import { type ExecCall, readExecCall } from './exec-call.ts'
import { type ExecRoom, openExecRoom } from './testing/exec-room.ts'

let room: ExecRoom
beforeEach(() => {
  room = openExecRoom()
})
afterEach(() => room.close())

/** What is read of the execs that a script makes; the first is the script's own. */
async function callsOf(script: string): Promise<ExecCall[]> {
  const calls: ExecCall[] = []
  const watch = watchExecs({
    reactor: room.reactor,
    decide: ({ tid }) => {
      calls.push(readExecCall(tid))
      return 'allow'
    },
  })
  watch.addFileSystem(room.live('record').places.execRoots[0]?.path ?? '')
  await room.run(script)
  watch.close()
  return calls
}

const ofTrue = (calls: readonly ExecCall[]): ExecCall | undefined =>
  calls.find(({ argv }) => argv[0]?.endsWith('true'))

test('arguments are read as they were given', async () => {
  const calls = await callsOf(`/bin/true '' 'two words' "$(printf 'a\\nb')" größe; :`)
  expect(ofTrue(calls)).toEqual({
    argv: ['/bin/true', '', 'two words', 'a\nb', 'größe'],
    argvOmitted: 0,
  })
})

test('a long argument is cut, and many are counted', async () => {
  const long = await callsOf(`/bin/true $(head -c 3000 /dev/zero | tr '\\0' x) end; :`)
  expect(ofTrue(long)).toEqual({
    argv: ['/bin/true', `${'x'.repeat(1020)}…`, 'end'],
    argvOmitted: 0,
  })
  const many = ofTrue(await callsOf('/bin/true $(seq 1000); :'))
  expect(many?.argv.length).toBe(64)
  expect(many?.argvOmitted).toBe(1001 - 64)
  const big = ofTrue(
    await callsOf(`X=$(head -c 1000 /dev/zero | tr '\\0' x); /bin/true $X $X $X $X $X; :`),
  )
  expect(big?.argv.length).toBe(5)
  expect(big?.argvOmitted).toBe(1)
})

test('execveat is read as well', async () => {
  const perl = `my $e = ""; my $p = "/bin/true"; my $a = pack("p p x8", "eat", "this"); my $v = pack("x8");
    syscall(322, -100, $p, $a, $v, 0);`
  const calls = await callsOf(`perl -e '${perl}'`)
  expect(calls.find(({ argv }) => argv[0] === 'eat')?.argv).toEqual(['eat', 'this'])
})

test('no arguments at all, or a pointer to nowhere, are none', async () => {
  const perl = `my $p = "/bin/true"; my $v = pack("x8"); syscall(59, $p, $v, $v);`
  const bad = `my $p = "/bin/true"; my $v = pack("x8"); syscall(59, $p, 16, $v);`
  for (const script of [perl, bad]) {
    const calls = await callsOf(`perl -e '${script}'; :`)
    expect(calls.at(-1)?.argv.length === 0 || calls.at(-2)?.argv.length === 0).toBe(true)
  }
})

test('a process that is gone, or is in no exec, has no arguments', async () => {
  const child = spawn('sleep', ['60'])
  expect(readExecCall(child.pid ?? 0)).toEqual({ argv: [], argvOmitted: 0 })
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(readExecCall(child.pid ?? 0)).toEqual({ argv: [], argvOmitted: 0 })
})
