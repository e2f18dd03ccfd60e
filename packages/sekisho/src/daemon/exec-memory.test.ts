import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { forbidExecutableMemory, MEMFD_NOEXEC } from './exec-memory.ts'

const MFD_EXEC = 0x10

/** Copies /bin/echo into memory, and executes that by its descriptor. */
const FROM_MEMORY = String.raw`my $n = "x"; my $fd = syscall(319, $n, $ARGV[0] + 0); $fd >= 0 or die "none";
  open(my $m, "+>&=", $fd); open(my $f, "<", "/bin/echo"); local $/; print {$m} (<$f>); $m->flush;
  my $p = "/proc/$$/fd/$fd"; chmod 0755, $p;
  if ($ARGV[1] eq "path") { exec $p "x", "ran" }
  my $e = ""; my $a = pack("p p x8", "x", "ran"); my $v = pack("x8");
  syscall(322, $fd, $e, $a, $v, 0x1000); die "no: $!"`

/** What a process of a pid namespace says that runs an echo from memory. */
async function runFromMemory(flags: number, way: string, prepare: boolean): Promise<string> {
  const inside = 'echo ready; read go; exec perl -MIO::Handle -e "$0" "$@"'
  const child = spawn(
    'unshare',
    [
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      'sh',
      '-c',
      inside,
      FROM_MEMORY,
      String(flags),
      way,
    ],
    { stdio: ['pipe', 'pipe', 'pipe'], timeout: 120_000 },
  )
  let said = ''
  child.stdout.on('data', (text: Buffer) => (said += text.toString()))
  child.stderr.on('data', (text: Buffer) => (said += text.toString()))
  await once(child.stdout, 'data')
  const [init = 0] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
    .split(' ')
    .map(Number)
  if (prepare) expect(await forbidExecutableMemory(init)).toBe(true)
  child.stdin.end('go\n')
  await once(child, 'close')
  return said.replace('ready\n', '')
}

const isThere = existsSync(MEMFD_NOEXEC)

test.skipIf(!isThere).for([{ way: 'path' }, { way: 'descriptor' }])(
  'a program in memory runs by its $way, until that is forbidden',
  async ({ way }) => {
    expect(await runFromMemory(0, way, false)).toBe('ran\n')
    expect(await runFromMemory(0, way, true)).toMatch(/Permission denied/)
  },
)

test.skipIf(!isThere)(
  'memory that is asked for as a program is left to the system call filter',
  async () => {
    expect(await runFromMemory(MFD_EXEC, 'path', true)).toBe('ran\n')
  },
)

test('our own namespace is left as it is, and a process that is gone is an error', async () => {
  const before = isThere ? readFileSync(MEMFD_NOEXEC, 'utf8') : ''
  await runFromMemory(0, 'path', isThere)
  expect(isThere ? readFileSync(MEMFD_NOEXEC, 'utf8') : '').toBe(before)
  if (isThere) {
    await expect(forbidExecutableMemory(2 ** 30)).rejects.toMatchObject({ code: 'SANDBOX_FAILED' })
  }
})
