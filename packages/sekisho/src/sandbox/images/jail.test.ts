import { spawn } from 'node:child_process'
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import net from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type JailRequest, runJailed } from './jail.ts'
import { TOOL_UID } from './testing/images.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sekisho-jail-'))
  for (const name of ['in', 'out']) mkdirSync(join(directory, name), { mode: 0o700 })
  chownSync(join(directory, 'out'), TOOL_UID, TOOL_UID)
  writeFileSync(join(directory, 'in/secret'), 'secret', { mode: 0o600 })
})
afterEach(() => rmSync(directory, { recursive: true }))

const jailed = (script: string, over: Partial<JailRequest> = {}): Promise<void> =>
  runJailed({
    directory: join(directory, 'jail'),
    uid: TOOL_UID,
    command: ['/usr/bin/bash', '-c', script],
    binds: [
      { source: join(directory, 'in'), name: 'in', isWritable: false },
      { source: join(directory, 'out'), name: 'out', isWritable: true },
    ],
    environment: { ASKED: 'for' },
    network: 'none',
    readsAll: false,
    timeoutMs: 20_000,
    keepFree: { path: directory, bytes: 0 },
    ...over,
  })
const out = (name: string): string => readFileSync(join(directory, 'out', name), 'utf8')

test('it sees /usr and what is bound, has no rights, and nothing of the caller’s environment', async () => {
  await jailed('cd /out; ls -A / > root; env | sort > env; setpriv --dump > rights')
  expect(out('root').trim().split('\n')).toEqual([
    'bin',
    'dev',
    'in',
    'lib',
    'lib64',
    'out',
    'sbin',
    'usr',
  ])
  expect(out('env')).toMatch(/^ASKED=for\nOLDPWD=\/\nPATH=[^\n]+\nPWD=\/out\nSHLVL=\d\n_=[^\n]+\n$/)
  expect(out('rights').split('\n')).toEqual(
    expect.arrayContaining([
      `uid: ${TOOL_UID}`,
      `egid: ${TOOL_UID}`,
      'Supplementary groups: [none]',
      'no_new_privs: 1',
      'Inheritable capabilities: [none]',
      'Capability bounding set: [none]',
    ]),
  )
})

test.for([
  ['read what is root’s', 'cat /in/secret'],
  ['write what it is shown', 'echo x > /in/new'],
  ['write to /usr', 'echo x > /usr/new'],
  ['write to its root', 'echo x > /new'],
  ['make a device', 'mknod /out/null c 1 3'],
  ['mount', 'mount -t tmpfs none /out'],
  ['leave its root', 'chroot /out /bin/true'],
  ['become root', 'setpriv --reuid 0 true'],
] as const)('it cannot %s', async ([, script]) => {
  await expect(jailed(script)).rejects.toMatchObject({ code: 'ROOTFS_INVALID' })
  expect(readFileSync(join(directory, 'in/secret'), 'utf8')).toBe('secret')
  expect(existsSync('/usr/new')).toBe(false)
})

test('where it is to read a file of root’s it reads it, and still writes nothing else', async () => {
  await jailed('cat /in/secret > /out/copy', { readsAll: true })
  expect(out('copy')).toBe('secret')
  await expect(jailed('echo x > /in/secret', { readsAll: true })).rejects.toThrow(
    /ermission|ead-only/,
  )
})

test('without a network it reaches nothing that listens on the host; with one it does', async () => {
  const server = net.createServer((socket) => socket.end('reached'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const script = `cat < /dev/tcp/127.0.0.1/${port} > /out/said`
  await expect(jailed(script)).rejects.toMatchObject({ code: 'ROOTFS_INVALID' })
  await jailed(script, { network: 'host' })
  expect(out('said')).toBe('reached')
  server.close()
})

test('what it leaves behind is dead when it ends, and what takes too long is ended', async () => {
  const late = jailed('setsid sleep 1000 & exec sleep 1000', { timeoutMs: 500 })
  await expect(late).rejects.toMatchObject({ code: 'TIMEOUT' })
  await jailed('setsid sleep 1000 >/dev/null 2>&1 & echo done > /out/done')
  expect(out('done')).toBe('done\n')
})

test('its last words are in the error, and a program that is missing says what to install', async () => {
  await expect(jailed('echo one; echo two >&2; exit 3')).rejects.toThrow(/bash: .*two/)
  await expect(jailed('', { command: ['/usr/bin/umoci-none'] })).rejects.toMatchObject({
    code: 'DEPENDENCY_MISSING',
    hint: 'install the Debian packages skopeo and umoci',
  })
  expect(existsSync(join(directory, 'jail'))).toBe(false)
})

/** A platform that starts a program in a jail and then waits to be killed. */
const PARENT = `
import { runJailed } from ${JSON.stringify(join(import.meta.dirname, 'jail.ts'))}
await runJailed(JSON.parse(process.argv[1]))
`

test('it dies with the process that started it', async () => {
  const request = {
    directory: join(directory, 'jail'),
    uid: TOOL_UID,
    command: ['/usr/bin/bash', '-c', 'exec 3<>/out/held; echo held >&3; exec sleep 1000'],
    binds: [{ source: join(directory, 'out'), name: 'out', isWritable: true }],
    environment: {},
    network: 'none',
    readsAll: false,
    timeoutMs: 20_000,
    keepFree: { path: directory, bytes: 0 },
  }
  const args = ['--input-type=module-typescript', '-e', PARENT, JSON.stringify(request)]
  const parent = spawn(process.execPath, args, { stdio: 'inherit' })
  const held = join(directory, 'out/held')
  await expect.poll(() => existsSync(held) && readFileSync(held, 'utf8')).toBe('held\n')
  expect(holders(held)).toHaveLength(1)
  const gone = once(parent, 'exit')
  parent.kill('SIGKILL')
  await gone
  await expect.poll(() => holders(held)).toEqual([])
})

/** Processes that have the file open. */
function holders(path: string): string[] {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && holds(pid, path))
}

function holds(pid: string, path: string): boolean {
  try {
    return statSync(`/proc/${pid}/fd/3`).ino === statSync(path).ino
  } catch {
    return false // it has no such descriptor, or is no process of ours to look at
  }
}
