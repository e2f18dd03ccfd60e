import { chmodSync, existsSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { type SandboxSpec, ociSpec } from './oci-spec.ts'
import { seccompProfile } from './seccomp.ts'
import { LIMITS, type TestSandbox, testSandbox } from './testing/sandbox.ts'

const spec: SandboxSpec = {
  argv: ['claude', '--print', 'hello world'],
  env: { PATH: '/usr/bin', TOKEN: 'placeholder' },
  cwd: '/workspace',
  terminal: true,
  rootfs: '/run/sekisho/rootfs',
  networkNamespace: '/proc/100/fd/20',
  idBase: 700_000,
  openFiles: 512,
  seccomp: seccompProfile({ notify: true, listenerPath: '/run/sekisho/seccomp', metadata: 's-1' }),
  seccompProgram: 'AAAA',
  sessionFiles: '/run/sekisho/sessions/1/files',
  usr: '/run/sekisho/sessions/1/usr',
  scratch: '/run/sekisho/sessions/1/scratch',
  workspace: '/run/sekisho/sessions/1/workspace',
  readOnlyMounts: [{ source: '/opt/tool', target: '/opt/tool' }],
  decoys: [{ source: '/run/sekisho/decoys/aws', target: '/home/agent/.aws/credentials' }],
}

test('the whole specification, line by line', () => {
  const { seccomp, ...linux } = ociSpec(spec).linux
  expect(seccomp).toBe(spec.seccomp)
  const golden: unknown = JSON.parse(
    readFileSync(new URL('./testing/oci-spec.golden.json', import.meta.url), 'utf8'),
  )
  expect({ ...ociSpec(spec), linux }).toEqual(golden)
})

test('a workspace that is placed later leaves its place empty', () => {
  const targets = ociSpec({ ...spec, workspace: null }).mounts.map((one) => one.destination)
  expect(targets).not.toContain('/workspace')
})

test('a root file system with a /usr of its own is not given the host’s', () => {
  const targets = ociSpec({ ...spec, usr: null }).mounts.map((one) => one.destination)
  expect(targets).not.toContain('/usr')
})

test.for<{ name: string; over: Partial<SandboxSpec>; code: string }>([
  { name: 'no command', over: { argv: [] }, code: 'USAGE' },
  { name: 'an argument with a NUL', over: { argv: ['a\0b'] }, code: 'USAGE' },
  { name: 'a variable name with =', over: { env: { 'A=B': '' } }, code: 'CONFIG_INVALID' },
  { name: 'a value with a NUL', over: { env: { A: '\0' } }, code: 'CONFIG_INVALID' },
  { name: 'a mount over /etc', over: extra('/etc/passwd'), code: 'CONFIG_INVALID' },
  { name: 'a mount over a whole root', over: extra('/opt'), code: 'CONFIG_INVALID' },
  { name: 'a mount that climbs out', over: extra('/opt/../etc'), code: 'CONFIG_INVALID' },
  { name: 'a relative mount', over: extra('opt/x'), code: 'CONFIG_INVALID' },
  { name: 'a mount over init', over: extra('/.sekisho/init'), code: 'CONFIG_INVALID' },
  {
    name: 'a decoy outside the home',
    over: { decoys: [{ source: '/x', target: '/usr/bin/ls' }] },
    code: 'CONFIG_INVALID',
  },
])('refuses $name', ({ over, code }) => {
  expect(codeOf(() => ociSpec({ ...spec, ...over }))).toBe(code)
})

function extra(target: string): Partial<SandboxSpec> {
  return { readOnlyMounts: [{ source: '/opt/tool', target }] }
}

function codeOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    return error instanceof SekishoError ? error.code : 'another error'
  }
  return 'no error'
}

let sandbox: TestSandbox
beforeAll(async () => {
  sandbox = await testSandbox()
})
afterAll(() => sandbox.remove())

test('a session has no capability, no new privileges, a filter, and ids of its own', async () => {
  const done = await sandbox.run(['cat', '/proc/self/status', '/proc/self/uid_map'])
  const status = Object.fromEntries(done.stdout.split('\n').map((line) => line.split(/:?\s+/, 2)))
  expect(done.code, done.stderr).toBe(0)
  expect({
    ...Object.fromEntries(['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'].map((k) => [k, status[`Cap${k}`]])),
    NoNewPrivs: status['NoNewPrivs'],
    Seccomp: status['Seccomp'],
  }).toEqual({
    ...Object.fromEntries(['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'].map((k) => [k, '0'.repeat(16)])),
    NoNewPrivs: '1',
    Seccomp: '2',
  })
  expect(done.stdout).toMatch(/^ +0 +1879048192 +65536$/m)
})

test('every namespace is the session’s own', async () => {
  const kinds = ['pid', 'ipc', 'uts', 'mnt', 'user', 'cgroup']
  const done = await sandbox.run([
    'sh',
    '-c',
    `for k in ${kinds.join(' ')}; do readlink /proc/self/ns/$k; done`,
  ])
  const inside = done.stdout.trim().split('\n')
  expect(inside).toHaveLength(kinds.length)
  const outside = kinds.map((kind) => namespaceOf(kind))
  expect(inside.filter((link) => outside.includes(link))).toEqual([])
})

const WRITES = `
for path in / /etc /usr /usr/bin /bin /sys /proc/sys/kernel /.sekisho /.sekisho/session /opt /var /root /dev; do
  touch $path/x 2>/dev/null && echo "wrote $path"
done
for path in /workspace /tmp /var/tmp /home/agent /run /dev/shm; do
  touch $path/x || echo "cannot write $path"
done
for path in /tmp /home/agent /workspace; do
  cp /usr/bin/true $path/true && $path/true || echo "cannot execute in $path"
done
for path in /run /dev/shm; do
  cp /usr/bin/true $path/true && $path/true 2>/dev/null && echo "executed in $path"
done
head -c 100M /dev/zero > /tmp/big 2>/dev/null; stat -c %s /tmp/big
`

test('only the workspace and bounded temporary directories can be written', async () => {
  const done = await sandbox.run(['sh', '-c', WRITES])
  expect(done.stdout.trim().split('\n')).toEqual([String(LIMITS.tmpBytes - 4 * trueBytes())])
})

test('devices are the harmless ones, and /sys is empty', async () => {
  const done = await sandbox.run([
    'sh',
    '-c',
    'ls /dev; ls /sys | wc -l; cat /proc/keys /proc/timer_list | wc -c',
  ])
  expect(done.stdout.split(/\s+/).filter((name) => name !== '')).toEqual([
    'core',
    'fd',
    'full',
    'null',
    'ptmx',
    'pts',
    'random',
    'shm',
    'stderr',
    'stdin',
    'stdout',
    'tty',
    'urandom',
    'zero',
    '0',
    '0',
  ])
})

test('extra mounts are there, read-only', async () => {
  const done = await sandbox.run(['sh', '-c', 'ls /opt/extra/files; touch /opt/extra/x'], {
    readOnlyMounts: [{ source: sandbox.directory, target: '/opt/extra' }],
  })
  expect(done.stdout).toBe('browser-policy.json\ncerts\nmachine-id\n')
  expect(done.stderr).toContain('Read-only file system')
})

test('a write to a decoy reaches its file, also where a mask or a read-only mount would be', async () => {
  const inProc = ['/proc/kcore', '/proc/sysrq-trigger', '/proc/sys/kernel/core_pattern']
  const targets = ['/home/agent/.aws/credentials', ...inProc.filter((path) => existsSync(path))]
  const decoys = targets.map((target, i) => ({
    source: join(sandbox.directory, `decoy-${i}`),
    target,
  }))
  for (const { source } of decoys) {
    writeFileSync(source, '')
    chmodSync(source, 0o666)
  }
  const script = targets.map((target) => `echo ${target} > ${target}`).join(';')
  const done = await sandbox.run(['sh', '-c', `${script}; echo 1 > /proc/sys/kernel/domainname`], {
    decoys,
  })
  expect(decoys.map(({ source }) => readFileSync(source, 'utf8').trim())).toEqual(targets)
  expect(done.stderr.match(/cannot create/g)).toHaveLength(1)
})

test('init reaps orphans and passes the exit code on', async () => {
  const done = await sandbox.run(['sh', '-c', '(sleep 0.01 & ) ; cat /proc/1/comm; exit 42'])
  expect([done.code, done.stdout]).toEqual([42, 'init\n'])
})

function namespaceOf(kind: string): string {
  return readlinkSync(`/proc/self/ns/${kind}`)
}

function trueBytes(): number {
  return Math.ceil(statSync('/usr/bin/true').size / 4096) * 4096
}
